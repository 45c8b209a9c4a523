-- How far an archive of the collector has been loaded: committed with the rows it covers.
--
-- Tickets stand in the archive's chunks in one order for ever; before (chunk, item_count) all are here.
-- tidy_count tells how often that chunk had been rewritten: another number, and it is read from its start.

create table deskstream.collect_loads (
    tenant_id  bigint not null,
    archive    uuid not null, -- named by the archive's ledger
    chunk      bigint not null,
    item_count bigint not null, -- of that chunk
    tidy_count bigint not null,
    loaded_at  timestamptz not null default now(),
    primary key (tenant_id, archive)
);
call deskstream.isolate('deskstream.collect_loads');

-- Vectors of 1024 dimensions and unit length. One row a vector, rows inline (storage plain: three a page),
-- one partition for each place (symptom, cause, resolution; intent, procedure) of each tenant: a scan
-- reads nothing but what it compares. Empty while Qdrant is the vector store.

create table deskstream.vectors_tickets (
    tenant_id  bigint not null,
    place      smallint not null, -- 0 symptom, 1 cause, 2 resolution
    id         bigint not null,
    updated_at timestamptz,
    vector     halfvec(1024) not null,
    primary key (tenant_id, place, id)
) partition by list (tenant_id);
alter table deskstream.vectors_tickets alter column vector set storage plain;
call deskstream.isolate('deskstream.vectors_tickets');

create table deskstream.vectors_kb (
    tenant_id  bigint not null,
    place      smallint not null, -- 0 intent, 1 procedure
    id         bigint not null,
    updated_at timestamptz,
    vector     halfvec(1024) not null,
    primary key (tenant_id, place, id)
) partition by list (tenant_id);
alter table deskstream.vectors_kb alter column vector set storage plain;
call deskstream.isolate('deskstream.vectors_kb');

-- Vectors by the hash of their text: a text is paid for once.
create table deskstream.embedding_cache (
    tenant_id  bigint not null,
    model      text not null,
    hash       bytea not null,
    vector     halfvec(1024) not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, model, hash)
);
alter table deskstream.embedding_cache alter column vector set storage plain;
call deskstream.isolate('deskstream.embedding_cache');

-- Makes a table for the given values of a partitioned table and attaches it: unlike CREATE ... PARTITION OF
-- that does not stop readers and writers of the other partitions.
create procedure deskstream.partition_make(parent text, leaf text, value text, by text) language plpgsql as $$
begin
    if to_regclass('deskstream.' || leaf) is not null then
        return;
    end if;
    execute format('create table deskstream.%I (like deskstream.%I including defaults including storage '
                   'including compression) %s', leaf, parent, by);
    execute format('alter table deskstream.%I attach partition deskstream.%I for values in (%s)',
                   parent, leaf, value);
end
$$;

-- Makes a tenant's partitions. Safe to call at any time by anybody: an advisory lock lets one work.
-- Vector partitions are isolated like their parents; text partitions are not (see 002).
create function deskstream.partitions_make(tenant bigint) returns void language plpgsql as $$
declare
    parent text;
    leaf text;
begin
    if to_regclass(format('deskstream.vectors_kb_t%s_1', tenant)) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('deskstream.partitions'));
    if to_regclass(format('deskstream.vectors_kb_t%s_1', tenant)) is not null then
        return; -- made by somebody else while we waited
    end if;
    foreach parent in array array['ticket_texts', 'kb_texts'] loop
        call deskstream.partition_make(parent, format('%s_t%s', parent, tenant), tenant::text, '');
    end loop;
    foreach parent in array array['vectors_tickets', 'vectors_kb'] loop
        leaf := format('%s_t%s', parent, tenant);
        call deskstream.partition_make(parent, leaf, tenant::text, 'partition by list (place)');
        call deskstream.isolate(format('deskstream.%I', leaf)::regclass);
        for place in 0..(case parent when 'vectors_tickets' then 2 else 1 end) loop
            call deskstream.partition_make(leaf, format('%s_%s', leaf, place), place::text, '');
            call deskstream.isolate(format('deskstream.%I', format('%s_%s', leaf, place))::regclass);
        end loop;
    end loop;
end
$$;

-- Nearest vectors of the current tenant at one place. Reads that partition by name, so that the planner
-- sees one table: exact scan, or its HNSW index once there is one.
create function deskstream.vectors_search(source text, place int, query halfvec, exclude bigint,
                                          row_limit int, ef int)
returns table (id bigint, score float8) language plpgsql as $$
declare
    leaf text := format('%s_t%s_%s', source, deskstream.tenant(), place);
begin
    if source not in ('vectors_tickets', 'vectors_kb') then
        raise exception 'there is no collection %', source;
    end if;
    if to_regclass('deskstream.' || leaf) is null then
        return;
    end if;
    if ef > 0 then
        perform set_config('hnsw.ef_search', ef::text, true),
                set_config('hnsw.iterative_scan', 'strict_order', true);
    end if;
    return query execute format(
        'select n.id, 1 - n.distance from ('
        'select v.id, v.vector <=> $1 as distance from deskstream.%I v where v.id <> $2 '
        'order by v.vector <=> $1 limit $3) n', leaf) -- a distance a row, not one to sort by and one to show
        using query, exclude, row_limit;
end
$$;

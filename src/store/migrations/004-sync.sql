-- Sync: runs, the log of items in its old shape, what failed and is tried again.

create table deskstream.sync_runs (
    tenant_id     bigint not null,
    id            uuid not null default gen_random_uuid(),
    kind          text not null check (kind in ('tickets', 'kb')),
    state         text not null default 'running' check (state in ('running', 'done', 'failed')),
    owner         text not null, -- process that works on it
    since         timestamptz,
    item_limit    int not null,
    total_count   int not null default 0, -- items known to be in this run; 0: not known yet
    done_count    int not null default 0,
    written_count int not null default 0,
    skipped_count int not null default 0, -- unchanged
    failed_count  int not null default 0,
    errors        jsonb not null default '[]',
    cursor        text not null default '', -- where a later run goes on
    started_at    timestamptz not null default now(),
    heartbeat_at  timestamptz not null default now(),
    finished_at   timestamptz,
    primary key (tenant_id, id)
);
create unique index sync_runs_one on deskstream.sync_runs (tenant_id, kind) where state = 'running';
create index sync_runs_newest on deskstream.sync_runs (tenant_id, kind, started_at desc);
call deskstream.isolate('deskstream.sync_runs');

-- The old columns with their names and types, and the tenant. Grows for ever: a partition a month, and
-- a default one that takes what has none, so that an insert never fails for it.
create table deskstream.sync_logs (
    id         uuid not null default gen_random_uuid(),
    collection text not null,
    item_id    text not null,
    item_type  text not null, -- 'ticket' or 'kb_article'
    synced_at  timestamptz not null default now(),
    tenant_id  bigint not null default deskstream.tenant()
) partition by range (synced_at);
create index sync_logs_collection on deskstream.sync_logs (tenant_id, collection, synced_at desc);
call deskstream.isolate('deskstream.sync_logs');
create table deskstream.sync_logs_rest partition of deskstream.sync_logs default;
call deskstream.isolate('deskstream.sync_logs_rest');

create table deskstream.sync_retry (
    tenant_id     bigint not null,
    kind          text not null check (kind in ('tickets', 'kb')),
    item_id       bigint not null,
    attempt_count int not null default 1,
    reason        text not null,
    due_at        timestamptz not null,
    primary key (tenant_id, kind, item_id)
);
call deskstream.isolate('deskstream.sync_retry');

-- What the server does by itself and when. One row a task, whatever the number of servers: who works on it
-- holds the row for a while and says so again and again; a holder that falls silent loses it. Tenant-less on
-- purpose: these are the installation's.

create table deskstream.schedules (
    name             text primary key, -- 'chats', 'sync'
    cron             text not null,
    zone             text not null,
    next_at          timestamptz not null, -- the first time that nobody has done yet
    retry_at         timestamptz, -- not before that, after a failure
    holder           text, -- who works on it now
    heartbeat_at     timestamptz,
    attempt_count    int not null default 0, -- of the present time
    last_due_at      timestamptz,
    last_started_at  timestamptz,
    last_finished_at timestamptz,
    last_state       text check (last_state in ('done', 'failed', 'stopped')),
    last_error       text,
    run_count        bigint not null default 0
);

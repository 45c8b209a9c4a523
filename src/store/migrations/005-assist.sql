-- What was computed for a reader: results by ticket version, contexts of replies, calls of models.

create table deskstream.results (
    tenant_id  bigint not null,
    ticket_id  bigint not null,
    language   text not null,
    kind       text not null,
    version    text not null, -- of the ticket and of what else went in
    value      jsonb not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, ticket_id, language, kind)
);
call deskstream.isolate('deskstream.results');
call deskstream.compress('deskstream.results', 'value');

create table deskstream.contexts (
    tenant_id  bigint not null,
    id         text not null, -- ctx_<ticket>_<seconds>
    ticket_id  bigint not null,
    value      jsonb not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index contexts_newest on deskstream.contexts (tenant_id, ticket_id, created_at desc);
create index contexts_age on deskstream.contexts (tenant_id, created_at);
call deskstream.isolate('deskstream.contexts');
call deskstream.compress('deskstream.contexts', 'value');

create table deskstream.llm_calls (
    tenant_id         bigint not null,
    id                uuid not null default gen_random_uuid(),
    task              text not null,
    request_id        text not null,
    ticket_id         bigint,
    provider          text not null,
    model             text not null,
    prompt            jsonb not null,
    sources           jsonb not null,
    reply             text not null,
    finish_reason     text not null,
    error             text, -- null: it succeeded
    prompt_tokens     bigint not null,
    completion_tokens bigint not null,
    tokens_estimated  boolean not null,
    cost_krw          float8 not null,
    first_token_ms    int,
    total_ms          int not null,
    created_at        timestamptz not null default now()
) partition by range (created_at);
create index llm_calls_created on deskstream.llm_calls (tenant_id, created_at desc);
call deskstream.isolate('deskstream.llm_calls');
call deskstream.compress('deskstream.llm_calls', 'prompt', 'sources', 'reply');
create table deskstream.llm_calls_rest partition of deskstream.llm_calls default;
call deskstream.isolate('deskstream.llm_calls_rest');

-- Makes the partitions of this month and the next two. A month whose rows are in the default
-- partition already stays there.
create function deskstream.months_make() returns void language plpgsql as $$
declare
    parent text;
    leaf text;
    month date;
begin
    perform pg_advisory_xact_lock(hashtext('deskstream.partitions'));
    foreach parent in array array['sync_logs', 'llm_calls'] loop
        for month in select date_trunc('month', now() at time zone 'utc')::date + make_interval(months => n)
                     from generate_series(0, 2) n loop
            leaf := parent || to_char(month, '_YYYY_MM');
            continue when to_regclass('deskstream.' || leaf) is not null;
            begin
                execute format('create table deskstream.%I (like deskstream.%I including defaults '
                               'including storage including compression)', leaf, parent);
                execute format('alter table deskstream.%I attach partition deskstream.%I '
                               'for values from (%L) to (%L)', parent, leaf,
                               month::text || ' 00:00:00+00',
                               (month + interval '1 month')::date::text || ' 00:00:00+00');
                call deskstream.isolate(format('deskstream.%I', leaf)::regclass);
            exception when check_violation then
                null; -- the default partition holds rows of that month
            end;
        end loop;
    end loop;
end
$$;
select deskstream.months_make();

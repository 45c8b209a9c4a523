-- The nightly chat batch: chats and categories kept here (when no other database is named), runs, results.
--
-- A question is a distinct text of a local day. A day's questions are put in as pending before anything is
-- asked; each answered call commits its questions, so that a restart asks only for what is pending.

create table deskstream.categories (
    tenant_id   bigint not null default deskstream.tenant(),
    category_id int not null,
    name        text not null,
    position    int not null default 0,
    primary key (tenant_id, category_id),
    unique (tenant_id, name)
);
call deskstream.isolate('deskstream.categories');

create table deskstream.chats (
    tenant_id  bigint not null default deskstream.tenant(),
    chat_id    bigint generated always as identity,
    input_text text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, chat_id)
);
create index chats_created on deskstream.chats (tenant_id, created_at);
call deskstream.isolate('deskstream.chats');
call deskstream.compress('deskstream.chats', 'input_text');

-- What is written back, in the old shape: a row per question, keyword and category. created_at is the day at
-- midnight, local.
create table deskstream.chat_keywords (
    tenant_id        bigint not null default deskstream.tenant(),
    query_text       text not null,
    keyword          text not null,
    category_id      int not null,
    query_count      int not null,
    created_at       timestamp not null,
    batch_created_at timestamp not null
);
create index chat_keywords_created on deskstream.chat_keywords (tenant_id, created_at);
call deskstream.isolate('deskstream.chat_keywords');
call deskstream.compress('deskstream.chat_keywords', 'query_text');

create table deskstream.batch_runs (
    tenant_id         bigint not null,
    run_id            bigint generated always as identity,
    day               date not null, -- local
    kind              text not null check (kind in ('batch', 'missing')),
    source            text not null, -- where the chats were read, for people: 'MariaDB shop.chattings'
    state             text not null default 'running'
        check (state in ('running', 'done', 'partial', 'failed', 'stopped')),
    model             text not null,
    prompt_version    text not null,
    chat_count        bigint not null default 0, -- rows read
    question_count    bigint not null default 0, -- distinct texts among them
    classified_count  bigint not null default 0, -- questions
    failed_count      bigint not null default 0, -- questions
    call_count        bigint not null default 0,
    prompt_tokens     bigint not null default 0,
    completion_tokens bigint not null default 0,
    cost_krw          double precision not null default 0,
    started_at        timestamptz not null default now(),
    heartbeat_at      timestamptz not null default now(),
    finished_at       timestamptz,
    written_at        timestamptz, -- write-back done
    error             text,
    primary key (tenant_id, run_id)
);
-- Besides the advisory lock that a runner holds: who begins under the lock ends what a dead one left.
create unique index batch_runs_one on deskstream.batch_runs (tenant_id, day) where state = 'running';
create index batch_runs_day on deskstream.batch_runs (tenant_id, day, run_id desc);
call deskstream.isolate('deskstream.batch_runs');

create table deskstream.chat_results (
    tenant_id      bigint not null,
    day            date not null,
    text_hash      bytea not null, -- sha-256 of the text as read
    input_text     text not null,
    raw_text       bytea, -- the text as read, where input_text could not hold it (NUL, bad UTF-8)
    cut            boolean not null default false, -- only the beginning of a longer text was read
    chat_count     int not null,
    first_at       timestamptz,
    last_at        timestamptz,
    hours          int[] not null, -- 24: chats by hour of the local day
    state          text not null default 'pending' check (state in ('pending', 'classified', 'failed')),
    category_id    int,
    keywords       jsonb not null default '[]', -- [{"keyword": "", "categories": ["name"]}]
    confidence     real,
    quote          text,
    reason         text, -- why it failed, or what should be known of the answer
    attempt_count  int not null default 0,
    model          text, -- that answered
    wanted_model   text, -- that the run asked for
    prompt_version text,
    run_id         bigint not null, -- the last run that saw the text
    classified_at  timestamptz,
    primary key (tenant_id, day, text_hash)
);
call deskstream.isolate('deskstream.chat_results');
call deskstream.compress('deskstream.chat_results', 'input_text');

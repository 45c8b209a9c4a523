-- Mails to send. A mail is put here in the transaction of what it tells, and leaves it when every recipient
-- has accepted or refused it, so that none is lost; who works on one holds its row, and each recipient's
-- answer is committed before the next is asked, so that none is sent twice.

create table deskstream.outbox (
    tenant_id       bigint not null,
    mail_id         bigint generated always as identity,
    dedupe_key      text not null, -- 'report:2024-03-15:2024-03-15:<version of the results>'
    state           text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
    sender          text not null,
    recipients      text[] not null,
    accepted        text[] not null default '{}',
    refused         text[] not null default '{}', -- for good
    subject         text not null,
    text_body       text not null,
    html_body       text not null default '',
    attachment      bytea, -- dropped once the mail is through
    file_name       text not null default '',
    message_id      text not null, -- the same in every try
    attempt_count   int not null default 0,
    next_at         timestamptz not null default now(),
    last_error      text,
    created_at      timestamptz not null default now(),
    sent_at         timestamptz,
    primary key (tenant_id, mail_id),
    unique (tenant_id, dedupe_key)
);
create index outbox_due on deskstream.outbox (tenant_id, next_at) where state = 'queued';
call deskstream.isolate('deskstream.outbox');

-- What Freshdesk holds, as we keep it, and the texts made of it.
--
-- content_hash covers all that is stored, indexed or sent on; synced_hash is the content_hash whose
-- vectors have been written. They differ while work is due, whatever interrupted it.

create table deskstream.tickets (
    tenant_id    bigint not null,
    id           bigint not null,
    subject      text not null,
    status       int not null,
    priority     int not null,
    source       int not null,
    type         text not null,
    requester_id bigint,
    responder_id bigint,
    group_id     bigint,
    company_id   bigint,
    tags         text[] not null,
    spam         boolean not null default false,
    deleted      boolean not null default false,
    created_at   timestamptz,
    updated_at   timestamptz,
    content_hash bytea not null,
    synced_hash  bytea,
    synced_at    timestamptz,
    raw          jsonb not null, -- the vendor's whole object
    primary key (tenant_id, id)
);
create index tickets_updated on deskstream.tickets (tenant_id, updated_at desc, id desc);
call deskstream.isolate('deskstream.tickets');
call deskstream.compress('deskstream.tickets', 'raw');

create table deskstream.conversations (
    tenant_id   bigint not null,
    ticket_id   bigint not null,
    id          bigint not null,
    user_id     bigint,
    incoming    boolean not null,
    is_private  boolean not null,
    source      int not null,
    created_at  timestamptz,
    updated_at  timestamptz,
    body_text   text not null,
    attachments jsonb,
    primary key (tenant_id, ticket_id, id)
);
call deskstream.isolate('deskstream.conversations');
call deskstream.compress('deskstream.conversations', 'body_text', 'attachments');

create table deskstream.kb_articles (
    tenant_id     bigint not null,
    id            bigint not null,
    title         text not null,
    body_text     text not null,
    folder_id     bigint,
    category_id   bigint,
    folder_name   text not null,
    category_name text not null,
    status        int not null,
    type          int not null,
    visibility    int not null,
    tags          text[] not null,
    deleted       boolean not null default false,
    created_at    timestamptz,
    updated_at    timestamptz,
    content_hash  bytea not null,
    synced_hash   bytea,
    synced_at     timestamptz,
    raw           jsonb not null,
    primary key (tenant_id, id)
);
create index kb_articles_updated on deskstream.kb_articles (tenant_id, updated_at desc, id desc);
call deskstream.isolate('deskstream.kb_articles');
call deskstream.compress('deskstream.kb_articles', 'body_text', 'raw');

-- Texts and search terms, one partition a tenant: PostgreSQL does not use an index for operators that
-- are not leakproof (@@ is not) under row-level security, so a search reads the tenant's own partition,
-- which it names (store/texts.c).
create table deskstream.ticket_texts (
    tenant_id  bigint not null,
    id         bigint not null, -- of the ticket
    symptom    text not null,
    cause      text not null,
    resolution text not null,
    language   text not null,
    hash       bytea not null, -- of what the texts were made from
    terms      tsvector not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
) partition by list (tenant_id);
-- Without fastupdate: a search would read the whole list of pending entries for each of its terms.
create index ticket_texts_terms on deskstream.ticket_texts using gin (terms) with (fastupdate = off);
call deskstream.isolate('deskstream.ticket_texts');
call deskstream.compress('deskstream.ticket_texts', 'symptom', 'cause', 'resolution', 'terms');

create table deskstream.kb_texts (
    tenant_id  bigint not null,
    id         bigint not null, -- of the article
    intent     text not null,
    procedure  text not null,
    language   text not null,
    hash       bytea not null,
    terms      tsvector not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
) partition by list (tenant_id);
create index kb_texts_terms on deskstream.kb_texts using gin (terms) with (fastupdate = off);
call deskstream.isolate('deskstream.kb_texts');
call deskstream.compress('deskstream.kb_texts', 'intent', 'procedure', 'terms');

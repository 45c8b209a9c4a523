-- Vectors of 1024 dimensions and unit length, one partition a tenant, rows inline (storage plain): three
-- times as fast to scan as out-of-line ones. Empty while Qdrant is the vector store.

create table deskstream.vectors_tickets (
    tenant_id      bigint not null,
    id             bigint not null,
    updated_at     timestamptz,
    symptom_vec    halfvec(1024),
    cause_vec      halfvec(1024),
    resolution_vec halfvec(1024),
    primary key (tenant_id, id)
) partition by list (tenant_id);
alter table deskstream.vectors_tickets
    alter column symptom_vec set storage plain,
    alter column cause_vec set storage plain,
    alter column resolution_vec set storage plain;
call deskstream.isolate('deskstream.vectors_tickets');

create table deskstream.vectors_kb (
    tenant_id     bigint not null,
    id            bigint not null,
    updated_at    timestamptz,
    intent_vec    halfvec(1024),
    procedure_vec halfvec(1024),
    primary key (tenant_id, id)
) partition by list (tenant_id);
alter table deskstream.vectors_kb
    alter column intent_vec set storage plain,
    alter column procedure_vec set storage plain;
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

-- Makes a tenant's partitions. Safe to call at any time by anybody: an advisory lock lets one work.
-- Attaching a finished table does not stop readers and writers of other tenants, CREATE ... PARTITION OF
-- would. Vector partitions are isolated like their parents; text partitions are not (see 002).
create function deskstream.partitions_make(tenant bigint) returns void language plpgsql as $$
declare
    parent text;
    leaf text;
begin
    if to_regclass(format('deskstream.vectors_kb_t%s', tenant)) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('deskstream.partitions'));
    foreach parent in array array['ticket_texts', 'kb_texts', 'vectors_tickets', 'vectors_kb'] loop
        leaf := format('%s_t%s', parent, tenant);
        if to_regclass('deskstream.' || leaf) is null then
            execute format('create table deskstream.%I (like deskstream.%I including defaults '
                           'including storage including compression)', leaf, parent);
            execute format('alter table deskstream.%I attach partition deskstream.%I for values in (%s)',
                           parent, leaf, tenant);
            if parent like 'vectors%' then
                call deskstream.isolate(format('deskstream.%I', leaf)::regclass);
            end if;
        end if;
    end loop;
end
$$;

-- Nearest rows of the current tenant by one vector column. Reads the tenant's partition by name, so
-- that the planner sees one table: exact scan, or its HNSW index once there is one.
create function deskstream.vectors_search(source text, vector_name text, query halfvec,
                                          exclude bigint, row_limit int, ef int)
returns table (id bigint, score float8) language plpgsql as $$
declare
    leaf text := format('%s_t%s', source, deskstream.tenant());
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
        'select v.id, 1 - (v.%1$I <=> $1) from deskstream.%2$I v '
        'where v.%1$I is not null and v.id <> $2 order by v.%1$I <=> $1 limit $3',
        vector_name, leaf)
        using query, exclude, row_limit;
end
$$;

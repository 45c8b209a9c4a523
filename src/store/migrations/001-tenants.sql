-- Schema, row-level security and tenants.
--
-- Every table with a tenant_id is isolated twice: statements name the tenant, and row-level security
-- (forced, since the program's role owns the tables) compares with the setting that each transaction
-- makes. The setting is read once a statement (sub-select), not once a row. Unset: nothing is seen.

create schema if not exists deskstream;

do $$
begin
    if not exists (select 1 from pg_extension where extname = 'vector') then
        begin
            create extension vector;
        exception
            when insufficient_privilege then
                raise exception 'the extension "vector" is missing in database "%" and this role may not create it',
                    current_database()
                    using hint = 'as a superuser, once: create extension vector;';
            when undefined_file or feature_not_supported then
                raise exception 'this PostgreSQL server has no extension "vector" (pgvector 0.7 or later)'
                    using hint = 'install the package postgresql-NN-pgvector';
        end;
    end if;
    if to_regtype('halfvec') is null then
        raise exception 'pgvector is older than 0.7: it has no type halfvec'
            using hint = 'upgrade pgvector, then: alter extension vector update;';
    end if;
end
$$;

create function deskstream.tenant() returns bigint language sql stable parallel safe as
    $$ select nullif(current_setting('deskstream.tenant_id', true), '')::bigint $$;

-- Switches isolation on for a table with tenant_id.
create procedure deskstream.isolate(target regclass) language plpgsql as $$
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('create policy tenant on %s using (tenant_id = (select deskstream.tenant()))', target);
end
$$;

-- Long texts are compressed by lz4 where the server was built with it.
create procedure deskstream.compress(target regclass, variadic names text[]) language plpgsql as $$
declare
    name text;
begin
    if not exists (select 1 from pg_settings
                   where pg_settings.name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
        return;
    end if;
    foreach name in array names loop
        execute format('alter table %s alter column %I set compression lz4', target, name);
    end loop;
end
$$;

-- Tenant-less on purpose: this table says who the tenants are.
create table deskstream.tenants (
    id         bigint generated always as identity primary key,
    company    text not null unique,
    domain     text not null,
    settings   jsonb not null default '{}',
    created_at timestamptz not null default now()
);

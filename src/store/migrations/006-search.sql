-- How common search terms are, per tenant: what a search (store/texts.c) needs to know before it reads.
--
-- Of every term that at least one row in 200 holds, its share of rows. Other terms are rare. Made from a
-- sample whenever a tenth more rows have been written than it was made of; never from the statistics of
-- ANALYZE, whose time nobody knows.

create table deskstream.text_counts (
    tenant_id     bigint not null,
    source        text not null check (source in ('ticket_texts', 'kb_texts')),
    row_count     bigint not null default 0, -- when shares were last made
    written_count bigint not null default 0, -- since
    primary key (tenant_id, source)
);
call deskstream.isolate('deskstream.text_counts');

create table deskstream.term_shares (
    tenant_id bigint not null,
    source    text not null,
    term      text not null,
    share     real not null,
    primary key (tenant_id, source, term) include (share)
);
call deskstream.isolate('deskstream.term_shares');

-- Counts rows written to the current tenant's texts; makes the shares anew when it is time. Call it last in
-- a transaction: the row of text_counts stays locked to its end.
create function deskstream.texts_written(kind text, written bigint) returns void language plpgsql as $$
declare
    tenant bigint := deskstream.tenant();
    leaf text := format('deskstream.%I', format('%s_t%s', kind, tenant));
    sample_max constant float8 := 500;
    row_total bigint;
    due boolean;
begin
    insert into deskstream.text_counts as c (tenant_id, source, written_count) values (tenant, kind, written)
    on conflict (tenant_id, source) do update set written_count = c.written_count + excluded.written_count
    returning c.written_count > c.row_count / 10 + 20 into due;
    if not due then
        return;
    end if;
    execute format('select count(*) from %s', leaf) into row_total;
    delete from deskstream.term_shares s where s.tenant_id = tenant and s.source = kind;
    execute format(
        'with sample as materialized ('
        '    select t.terms from %s t tablesample bernoulli ($3)'
        '), size as (select count(*) as n from sample) '
        'insert into deskstream.term_shares (tenant_id, source, term, share) '
        'select $1, $2, w.term, count(*) / min(size.n)::float8 '
        'from sample cross join size cross join unnest(tsvector_to_array(sample.terms)) as w(term) '
        'group by w.term having count(*) > min(size.n) / 200.0 and count(*) > 1', leaf)
        using tenant, kind, least(100, 100 * sample_max / greatest(row_total, 1));
    update deskstream.text_counts c set row_count = row_total, written_count = 0
    where c.tenant_id = tenant and c.source = kind;
end
$$;

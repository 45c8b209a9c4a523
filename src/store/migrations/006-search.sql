-- Full-text search of the current tenant: which items share terms with the query, rare terms counting more.
--
-- All terms count in the rank, the sum of ln(1 + 1 / share of rows with the term). But common terms would
-- drag in most of the table, so candidates, about candidate_max of them, come from
--   rows with any of the rarest terms, as many as promise that number by the statistics of the column, and
--   rows with any k of the six rarest of the common terms: the smallest k that promises that number, and
--   where it brings fewer than row_limit rows, ever smaller ones.
-- Before the first ANALYZE nothing is known of any term: such a table is small, and the shares are counted
-- among the candidates.

-- Every way to take k of the terms, as one tsquery: (a&b)|(a&c)|(b&c). Terms hold letters and digits only.
create function deskstream.terms_of(terms text[], k int) returns text language sql immutable as $$
    select string_agg('(' || way || ')', '|')
    from (select string_agg(terms[i], '&') as way
          from generate_series(1, (1 << cardinality(terms)) - 1) as mask,
               generate_series(1, cardinality(terms)) as i
          where (mask >> (i - 1)) & 1 = 1
          group by mask having count(*) = k) as ways
$$;

create function deskstream.search_texts(source text, query_terms text[], exclude bigint, row_limit int,
                                        candidate_max int default 800)
returns table (id bigint, rank float8) language plpgsql as $$
declare
    leaf text := format('%s_t%s', source, deskstream.tenant());
    row_count float8;
    rare text;
    common text[];
    common_share float8;
    words text[];
    weights float8[];
    found_ids bigint[];
    k int := 0;
begin
    if source not in ('ticket_texts', 'kb_texts') then
        raise exception 'there are no texts %', source;
    end if;
    select greatest(c.reltuples, 1000) into row_count
    from pg_class c where c.oid = to_regclass('deskstream.' || leaf);
    if row_count is null then
        return;
    end if;
    with elements as (
        select s.most_common_elems::text::text[] as terms, s.most_common_elem_freqs as shares
        from pg_stats s
        where s.schemaname = 'deskstream' and s.tablename = leaf and s.attname = 'terms'
    ), known as (
        select e.term, e.share from elements,
            unnest(terms, shares[1:cardinality(terms)]) as e(term, share)
    ), least as (
        select coalesce(min(known.share) / 2, 2 / row_count) as share from known
    ), asked as (
        select a.term, coalesce(nullif(k.share, 0), least.share)::float8 as share
        from unnest(query_terms) as a(term) cross join least left join known k on k.term = a.term
    ), ordered as (
        select term, share, sum(share) over (order by share, term) * row_count <= candidate_max as is_rare,
               row_number() over (order by share, term) as place
        from asked
    )
    select array_agg(o.term order by o.place),
           array_agg(case when exists (select from known) then ln(1 + 1 / o.share) end order by o.place),
           string_agg(o.term, '|') filter (where o.is_rare),
           (array_agg(o.term order by o.place) filter (where not o.is_rare))[1:6],
           coalesce(avg(o.share) filter (where not o.is_rare), 0)
    into words, weights, rare, common, common_share
    from ordered o;
    if words is null then
        return;
    end if;
    if common is not null then
        for n in 1..cardinality(common) loop
            k := n;
            exit when factorial(cardinality(common)) / factorial(n) / factorial(cardinality(common) - n)
                      * common_share ^ n * row_count <= candidate_max;
        end loop;
    end if;
    loop
        execute format('select array_agg(c.id) from (select t.id from deskstream.%I t '
                       'where t.terms @@ $1 and t.id <> $2 limit $3) c', leaf)
            into found_ids
            using concat_ws('|', rare, case when k > 0 then deskstream.terms_of(common, k) end)::tsquery,
                  exclude, candidate_max;
        exit when k <= 1 or cardinality(found_ids) >= row_limit;
        k := k - 1;
    end loop;
    return query execute format(
        'with candidates as materialized ('
        '    select t.id, t.terms || ''''::tsvector as terms from deskstream.%I t where t.id = any($1)'
        '), matches as materialized ('
        '    select c.id, w.word, w.weight from candidates c '
        '    join unnest($2::text[]::tsquery[], $3::float8[]) as w(word, weight) on c.terms @@ w.word'
        '), counts as ('
        '    select m.word, ln(1 + cardinality($1) / count(*)::float8) as weight from matches m group by m.word'
        ') select m.id, sum(coalesce(m.weight, n.weight))::float8 as rank '
        'from matches m join counts n on n.word = m.word '
        'group by m.id order by rank desc, m.id limit $4', leaf)
        using found_ids, words, weights, row_limit;
end
$$;

-- Searches name the tenant's partition themselves (store/vectors_pg.c), so that their plans are kept.
drop function deskstream.vectors_search(text, int, halfvec, bigint, int, int);

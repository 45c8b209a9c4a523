#!/bin/sh
# docker/postgres-init.sh: makes Deskstream's role, database and extensions in a new PostgreSQL cluster.
#
# The postgres image runs it once, as the superuser, when its volume is empty. The role is no superuser
# and may not bypass row-level security: that is what keeps one tenant's rows from another's requests.
# POSTGRES_APP_PASSWORD is its password (default: deskstream). Running it again fails and changes nothing.
set -eu

psql -X -q -v ON_ERROR_STOP=1 -v password="${POSTGRES_APP_PASSWORD:-deskstream}" \
    -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
create role deskstream login nosuperuser nobypassrls password :'password';
create database deskstream owner deskstream encoding 'UTF8' template template0;
\connect deskstream
create extension vector;
SQL

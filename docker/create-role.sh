#!/usr/bin/env bash
# Runs once, on an empty volume. One role owns the database and its tables, for `migrate` alone; the
# application's owns nothing. Neither is a superuser or exempt from row security, or every check in
# the database would be vain. The third reads everything, for `backup` alone, and changes nothing.
set -euo pipefail

# psql reads the password itself, so that it is on no command line.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat /run/secrets/database_password`
\set owner_password `cat /run/secrets/database_owner_password`
\set backup_password `cat /run/secrets/database_backup_password`
CREATE ROLE usaldus LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION
    PASSWORD :'password';
CREATE ROLE usaldus_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION
    PASSWORD :'owner_password';
CREATE ROLE usaldus_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION
    PASSWORD :'backup_password';
GRANT pg_read_all_data TO usaldus_backup;
CREATE DATABASE usaldus OWNER usaldus_owner;
REVOKE ALL ON DATABASE usaldus FROM PUBLIC;
GRANT CONNECT ON DATABASE usaldus TO usaldus, usaldus_backup;
SQL

#!/usr/bin/env bash
# Runs once, on an empty volume. The application's role owns its database and nothing else: it is no
# superuser and not exempt from row security, or every check in the database would be vain.
set -euo pipefail

# psql reads the password itself, so that it is on no command line.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat /run/secrets/database_password`
CREATE ROLE usaldus LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION
    PASSWORD :'password';
CREATE DATABASE usaldus OWNER usaldus;
REVOKE ALL ON DATABASE usaldus FROM PUBLIC;
SQL

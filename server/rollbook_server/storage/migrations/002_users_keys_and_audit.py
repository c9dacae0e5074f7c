"""To schema 2: users, API keys, the audit log, names of attributes, sealed answers.

Of schema 1 there are SQLite files only: PostgreSQL came with schema 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playhouse.migrate import SchemaMigrator

    from rollbook_server.storage.engine import RollDatabase

# Stored answers were not sealed; serial numbers without a manufacturer are looked for now.
_OLD = """
DELETE FROM answers;
DROP INDEX devices_serial
"""
_ROLL = """
CREATE INDEX "profiletable_user_id" ON "profiles" ("user_id");
CREATE TABLE "ended_profiles" ("profile" INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE "attribute_names" ("id" INTEGER NOT NULL PRIMARY KEY, "profile" INTEGER NOT NULL, \
"name" TEXT NOT NULL);
CREATE UNIQUE INDEX "attributenametable_profile_name" ON "attribute_names" ("profile", "name");
CREATE INDEX "devicetable_profile" ON "devices" ("profile");
CREATE UNIQUE INDEX "devices_serial" ON "devices" ("serial_number", "manufacturer_key") \
WHERE ("serial_number" IS NOT NULL);
CREATE INDEX "devices_user" ON "devices" ("user_id") WHERE ("user_id" != '');
CREATE INDEX "devices_registered" ON "devices" ("profile") WHERE ("register_time" IS NOT NULL)
"""
_CALLERS = """
CREATE TABLE "users" ("id" INTEGER NOT NULL PRIMARY KEY, "user_id" TEXT NOT NULL, \
"user_name" TEXT NOT NULL, "name_key" TEXT NOT NULL, "display_name" TEXT NOT NULL, \
"email" TEXT NOT NULL, "password_hash" TEXT NOT NULL, "disabled" INTEGER NOT NULL, \
"create_time" INTEGER NOT NULL, "update_time" INTEGER NOT NULL, "revision" INTEGER NOT NULL);
CREATE UNIQUE INDEX "usertable_user_id" ON "users" ("user_id");
CREATE UNIQUE INDEX "usertable_name_key" ON "users" ("name_key");
CREATE TABLE "api_keys" ("id" INTEGER NOT NULL PRIMARY KEY, "api_key_id" TEXT NOT NULL, \
"digest" BLOB NOT NULL, "display_name" TEXT NOT NULL, "role" TEXT NOT NULL, \
"rights" TEXT NOT NULL, "create_time" INTEGER NOT NULL, "expire_time" INTEGER, \
"last_use_time" INTEGER, "revoke_time" INTEGER);
CREATE UNIQUE INDEX "apikeytable_api_key_id" ON "api_keys" ("api_key_id");
CREATE UNIQUE INDEX "apikeytable_digest" ON "api_keys" ("digest");
CREATE INDEX "apikeytable_create_time" ON "api_keys" ("create_time")
"""
_AUDIT = """
CREATE TABLE "audit_events" ("sequence" INTEGER NOT NULL PRIMARY KEY, \
"event_time" INTEGER NOT NULL, "action" TEXT NOT NULL, "actor" TEXT NOT NULL, \
"source" TEXT NOT NULL, "profile_id" TEXT NOT NULL, "device_id" TEXT NOT NULL, \
"resource_id" TEXT NOT NULL, "reason" TEXT NOT NULL, "details" TEXT NOT NULL, \
"digest" BLOB NOT NULL, "seal" BLOB NOT NULL);
CREATE INDEX "audit_events_profile" ON "audit_events" ("profile_id") \
WHERE profile_id NOT IN ('');
CREATE INDEX "audit_events_device" ON "audit_events" ("device_id") WHERE device_id NOT IN ('');
CREATE INDEX "audit_events_resource" ON "audit_events" ("resource_id") \
WHERE resource_id NOT IN ('');
CREATE INDEX "audit_events_action" ON "audit_events" ("action") \
WHERE action NOT IN ('EnrollDevice');
CREATE INDEX "audit_events_actor" ON "audit_events" ("actor") WHERE actor NOT IN ('', 'device');
CREATE INDEX "audit_events_reason" ON "audit_events" ("reason") WHERE reason NOT IN ('DONE');
CREATE TABLE "audit_end" ("id" INTEGER NOT NULL PRIMARY KEY, "sequence" INTEGER NOT NULL, \
"digest" BLOB NOT NULL, "seal" BLOB NOT NULL)
"""
# Schema 1 numbered profiles by itself, and counted devices of ended uploads until they
# were swept up.
_CONTENT = """
INSERT INTO counters (name, value) SELECT 'next_profile', ifnull(max(id), 0) + 1 FROM profiles;
INSERT INTO counters (name, value) VALUES ('token_epoch', 0);
INSERT INTO attribute_names (profile, name)
    SELECT d.profile, a.key FROM devices d, json_each(d.attributes) a
    GROUP BY d.profile, a.key ORDER BY min(d.id);
UPDATE profiles SET pending_count = (
    SELECT count(*) FROM devices d LEFT JOIN uploads u ON u.id = d.upload
    WHERE d.profile = profiles.id AND d.register_time IS NULL
        AND (u.state IS NULL OR u.state IN ('OPEN', 'FINISHED') OR NOT EXISTS (
            SELECT 1 FROM upload_ranges r
            WHERE r.upload = d.upload AND d.id BETWEEN r.first_id AND r.last_id
        ))
)
"""


def up(_migrator: SchemaMigrator, db: RollDatabase) -> None:
    """Bring a database of schema 1 to schema 2."""
    for statements in (_OLD, _ROLL, _CALLERS, _AUDIT, _CONTENT):
        for statement in statements.strip().split(";\n"):
            db.execute_sql(statement)

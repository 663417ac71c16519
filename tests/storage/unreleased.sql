BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'bugfoundry','m001_sources','2026-12-01 00:34:14.496637+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'bugfoundry','m002_environments','2026-12-01 00:34:14.509598+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'bugfoundry','m003_bugs','2026-12-01 00:34:14.512865+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'bugfoundry','m004_size_of_environments','2026-12-01 00:34:14.513505+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'bugfoundry','m005_model_calls','2026-12-01 00:34:14.520156+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'bugfoundry','m006_coverage','2026-12-01 00:34:14.520658+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'bugfoundry','m007_mirror','2026-12-01 00:34:14.524895+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'bugfoundry','m008_mirrored_tasks','2026-12-01 00:34:14.541429+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'bugfoundry','m010_parents','2026-12-01 00:34:14.541926+00:00');
INSERT INTO "_sqlite_migrations" VALUES(10,'bugfoundry','m009_model_costs','2026-12-01 00:34:14.562361+00:00');
INSERT INTO "_sqlite_migrations" VALUES(11,'bugfoundry','m011_models','2026-12-01 00:34:14.564549+00:00');
INSERT INTO "_sqlite_migrations" VALUES(12,'bugfoundry','m011_queue','2026-12-01 00:34:14.566477+00:00');
INSERT INTO "_sqlite_migrations" VALUES(13,'bugfoundry','m012_hosted','2026-12-01 00:34:14.600294+00:00');
INSERT INTO "_sqlite_migrations" VALUES(14,'bugfoundry','m013_standings','2026-12-01 00:34:14.618390+00:00');
INSERT INTO "_sqlite_migrations" VALUES(15,'bugfoundry','m014_dispatches','2026-12-01 00:34:14.660876+00:00');
INSERT INTO "_sqlite_migrations" VALUES(16,'bugfoundry','m015_images_and_campaigns','2026-12-01 00:34:14.665888+00:00');
INSERT INTO "_sqlite_migrations" VALUES(17,'bugfoundry','m016_gates','2026-12-01 00:34:14.671007+00:00');
CREATE TABLE "attempts" (
   "id" INTEGER PRIMARY KEY,
   "tree" TEXT REFERENCES "trees"("tree"),
   "sandbox" TEXT,
   "plan" TEXT,
   "ok" INTEGER,
   "reason" TEXT,
   "detail" TEXT,
   "seconds" REAL
);
CREATE TABLE "baseline_tests" (
   "environment" TEXT REFERENCES "baselines"("environment"),
   "position" INTEGER,
   "number" INTEGER,
   "outcome" TEXT,
   "seconds" REAL,
   "set_aside" TEXT,
   PRIMARY KEY ("environment", "position")
);
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',0,0,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',1,1,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',2,2,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',3,3,'skipped',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',4,4,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',5,5,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',6,6,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',7,7,'passed',0.25,'unstable');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',8,8,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',9,9,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',10,10,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',11,11,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',12,12,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',13,13,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',14,14,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',15,15,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',16,16,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',17,17,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',18,18,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',19,19,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',20,20,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',21,21,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',22,22,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',23,23,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',24,24,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',25,25,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',26,26,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',27,27,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',28,28,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',29,29,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',30,30,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',31,31,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',32,32,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',33,33,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',34,34,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',35,35,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',36,36,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',37,37,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',38,38,'passed',0.25,'');
INSERT INTO "baseline_tests" VALUES('edf1329a17c322650c2e959490ef85a2',39,39,'passed',0.25,'');
CREATE TABLE "baselines" (
   "environment" TEXT PRIMARY KEY REFERENCES "environments"("id"),
   "seconds" REAL,
   "runs" INTEGER,
   "green" TEXT REFERENCES "test_sets"("name")
);
INSERT INTO "baselines" VALUES('edf1329a17c322650c2e959490ef85a2',3.5,2,'cd819dd8b1e744f8c7994559');
CREATE TABLE "batched_requests" (
   "batch" TEXT REFERENCES "model_batches"("id"),
   "key" TEXT,
   "hold" TEXT,
   "tool" TEXT,
   "purpose" TEXT,
   "repository" TEXT,
   "strategy" TEXT,
   "run" TEXT,
   "created" TEXT,
   "outcome" TEXT,
   "detail" TEXT,
   PRIMARY KEY ("batch", "key")
);
CREATE TABLE "bugs" (
   "id" TEXT PRIMARY KEY,
   "tree" TEXT REFERENCES "trees"("tree"),
   "patch" TEXT,
   "changes" TEXT
);
INSERT INTO "bugs" VALUES('5bfaa8f05adeb44ec629b47ea88523ef','b9fdffae4337dabcc2c93637798e882022543586','--- a/src/a.py
+++ b/src/a.py
@@ -1 +1 @@
-x = 1
+x = 0
','[{"path":"src/a.py","mode":"100644","sha256":"a37bbbb0764cc5bf8d8c251cb1c95e3d2e142934792916ccb362ceb5902d9f0b"}]');
INSERT INTO "bugs" VALUES('7d1b27abdca35274c56764b682ee188d','b9fdffae4337dabcc2c93637798e882022543586','--- a/src/a.py
+++ b/src/a.py
@@ -1 +1 @@
-x = 1
+x = 1
','[{"path":"src/a.py","mode":"100644","sha256":"43de3a417d75f4818c5a553268b80ce3a5805109a3bbc6b605e9fb0b8f50b485"}]');
CREATE TABLE "campaign_steps" (
   "campaign" TEXT,
   "source" TEXT,
   "state" TEXT,
   "attempts" INTEGER,
   "started" TEXT,
   "seconds" REAL,
   "tasks" INTEGER,
   "verdicts" INTEGER,
   "failure" TEXT,
   PRIMARY KEY ("campaign", "source")
);
CREATE TABLE "coverage" (
   "environment" TEXT PRIMARY KEY REFERENCES "environments"("id"),
   "data" BLOB
);
CREATE TABLE "crawls" (
   "repository" TEXT,
   "origin" TEXT,
   "newest" TEXT,
   "cursor" TEXT,
   "state" TEXT,
   PRIMARY KEY ("repository", "origin")
);
CREATE TABLE "deliveries" (
   "guid" TEXT PRIMARY KEY,
   "event" TEXT,
   "action" TEXT,
   "repository" INTEGER,
   "installation" INTEGER,
   "received" REAL,
   "body" BLOB
);
CREATE TABLE "dispatches" (
   "plan" TEXT PRIMARY KEY,
   "repository" TEXT,
   "environment" TEXT,
   "place" TEXT,
   "created" TEXT,
   "address" TEXT,
   "run" TEXT,
   "state" TEXT,
   "attempt" INTEGER,
   "bugs" INTEGER,
   "expected" REAL,
   "used" REAL,
   "verdicts" INTEGER,
   "valid" INTEGER,
   "ended" TEXT,
   "detail" TEXT
);
CREATE TABLE "environments" (
   "id" TEXT PRIMARY KEY,
   "tree" TEXT REFERENCES "trees"("tree"),
   "sandbox" TEXT,
   "python" TEXT,
   "plan" TEXT,
   "lock" TEXT,
   "base" TEXT,
   "arch" TEXT,
   "handle" TEXT,
   "seconds" REAL,
   "turn" INTEGER
, "size" INTEGER NOT NULL DEFAULT 0);
INSERT INTO "environments" VALUES('edf1329a17c322650c2e959490ef85a2','b9fdffae4337dabcc2c93637798e882022543586','local','3.11.7','{"name":"pyproject extra ''test''","python":"3.11","install":[["-e",".[test]"],["pytest"]],"pytest_args":["tests"],"env":[["TZ","UTC"]],"notes":["xdist is off"],"system":[],"exclude_newer":"","because":""}','pytest==8.0
iniconfig==2.0','cpython-3.11.7','x86_64','env-1',1.5,1,0);
CREATE TABLE "hosted" (
   "id" INTEGER PRIMARY KEY,
   "installation" INTEGER,
   "name" TEXT,
   "private" INTEGER,
   "state" TEXT,
   "default_branch" TEXT,
   "head" TEXT,
   "opted_in" INTEGER,
   "since" REAL,
   "because" TEXT,
   "settings" TEXT,
   "commit" TEXT,
   "tree" TEXT,
   "built" REAL,
   "looked" REAL
);
CREATE TABLE "hosted_trees" (
   "repository" INTEGER REFERENCES "hosted"("id"),
   "tree" TEXT REFERENCES "trees"("tree"),
   "commit" TEXT,
   "since" REAL,
   PRIMARY KEY ("repository", "tree")
);
CREATE TABLE "images" (
   "environment" TEXT PRIMARY KEY REFERENCES "environments"("id"),
   "image" TEXT
);
CREATE TABLE "installations" (
   "id" INTEGER PRIMARY KEY,
   "account" TEXT,
   "kind" TEXT,
   "state" TEXT,
   "selection" TEXT,
   "permissions" TEXT,
   "looked" REAL
);
CREATE TABLE "issues" (
   "repository" TEXT,
   "number" INTEGER,
   "title" TEXT,
   "body" TEXT,
   "author" TEXT,
   "bot" INTEGER,
   "created" TEXT,
   "labels" TEXT,
   "comments" TEXT,
   PRIMARY KEY ("repository", "number")
);
CREATE TABLE "jobs" (
   "id" INTEGER PRIMARY KEY,
   "kind" TEXT,
   "subject" TEXT,
   "queue" TEXT,
   "repository" INTEGER,
   "installation" INTEGER,
   "lane" TEXT,
   "priority" INTEGER,
   "payload" TEXT,
   "state" TEXT,
   "again" INTEGER,
   "attempts" INTEGER,
   "due" REAL,
   "worker" TEXT,
   "lease" REAL,
   "created" REAL,
   "started" REAL,
   "ended" REAL,
   "note" TEXT,
   "error" TEXT
);
CREATE TABLE "marks" (
   "repository" INTEGER REFERENCES "hosted"("id"),
   "number" INTEGER,
   "mark" TEXT,
   "by" TEXT,
   "since" REAL,
   PRIMARY KEY ("repository", "number")
);
CREATE TABLE "minute_limits" (
   "scope" TEXT,
   "of" TEXT,
   "minutes" REAL,
   PRIMARY KEY ("scope", "of")
);
CREATE TABLE "mirrorings" (
   "tree" TEXT REFERENCES "trees"("tree"),
   "repository" TEXT,
   "commit" TEXT,
   "outcome" TEXT,
   "detail" TEXT,
   "tier" TEXT,
   "undone" REAL,
   "bug" TEXT, "fix" TEXT NOT NULL DEFAULT '', "tried" TEXT NOT NULL DEFAULT '',
   PRIMARY KEY ("tree", "repository", "commit")
);
CREATE TABLE "model_batches" (
   "id" TEXT PRIMARY KEY,
   "model" TEXT,
   "created" TEXT,
   "name" TEXT,
   "rejected" TEXT
);
CREATE TABLE "model_calls" (
   "key" TEXT PRIMARY KEY,
   "model" TEXT,
   "purpose" TEXT,
   "answer" TEXT,
   "input_tokens" INTEGER,
   "output_tokens" INTEGER,
   "cache_write_tokens" INTEGER,
   "cache_read_tokens" INTEGER,
   "dollars" REAL,
   "seconds" REAL
, "created" TEXT NOT NULL DEFAULT '', "repository" TEXT NOT NULL DEFAULT '', "strategy" TEXT NOT NULL DEFAULT '', "run" TEXT NOT NULL DEFAULT '', "batch" TEXT NOT NULL DEFAULT '');
CREATE TABLE "model_holds" (
   "id" TEXT PRIMARY KEY,
   "key" TEXT,
   "dollars" REAL,
   "created" TEXT,
   "repository" TEXT,
   "run" TEXT
);
CREATE TABLE "origins" (
   "bug" TEXT REFERENCES "bugs"("id"),
   "strategy" TEXT,
   "operator" TEXT,
   "path" TEXT,
   "entity" TEXT,
   "line" INTEGER,
   "seed" INTEGER, "commit" TEXT NOT NULL DEFAULT '', "pull" INTEGER NOT NULL DEFAULT 0, "undone" REAL NOT NULL DEFAULT 0.0, "parents" TEXT NOT NULL DEFAULT '[]', "model" TEXT NOT NULL DEFAULT '',
   PRIMARY KEY ("bug", "strategy", "operator", "path", "entity", "line", "seed")
);
INSERT INTO "origins" VALUES('5bfaa8f05adeb44ec629b47ea88523ef','procedural','negate','src/a.py','f',1,0,'',0,0.0,'[]','');
INSERT INTO "origins" VALUES('7d1b27abdca35274c56764b682ee188d','procedural','negate','src/a.py','f',1,0,'',0,0.0,'[]','');
CREATE TABLE "pull_requests" (
   "repository" TEXT,
   "commit" TEXT,
   "base" TEXT,
   "number" INTEGER,
   "title" TEXT,
   "body" TEXT,
   "author" TEXT,
   "association" TEXT,
   "bot" INTEGER,
   "branch" TEXT,
   "labels" TEXT,
   "created" TEXT,
   "merged" TEXT,
   "updated" TEXT,
   "files" TEXT,
   "commits" TEXT,
   "links" TEXT,
   "origin" TEXT,
   PRIMARY KEY ("repository", "commit")
);
CREATE TABLE "repositories" (
   "tree" TEXT REFERENCES "trees"("tree"),
   "owner" TEXT,
   "name" TEXT,
   "commit" TEXT,
   "source" TEXT,
   "date" TEXT,
   "version" TEXT,
   "turn" INTEGER, "root" TEXT NOT NULL DEFAULT '',
   PRIMARY KEY ("tree", "owner", "name", "commit")
);
INSERT INTO "repositories" VALUES('b9fdffae4337dabcc2c93637798e882022543586','pallets','click','cf88fdb61a9129abf235a7db86840a8d84be526f','pallets/click','2024-01-02T03:04:05+00:00','8.1.0',1,'');
CREATE TABLE "standings" (
   "id" INTEGER PRIMARY KEY,
   "bug" TEXT,
   "tree" TEXT,
   "strategy" TEXT,
   "operator" TEXT,
   "path" TEXT,
   "entity" TEXT,
   "line" INTEGER,
   "reason" TEXT,
   "mode" TEXT,
   "environment" TEXT,
   "harness" TEXT,
   "seconds" REAL,
   "tasks" INTEGER
);
INSERT INTO "standings" VALUES(1,'5bfaa8f05adeb44ec629b47ea88523ef','b9fdffae4337dabcc2c93637798e882022543586','procedural','negate','src/a.py','f',1,'','','','',0.0,0);
INSERT INTO "standings" VALUES(2,'7d1b27abdca35274c56764b682ee188d','b9fdffae4337dabcc2c93637798e882022543586','procedural','negate','src/a.py','f',1,'valid','full','edf1329a17c322650c2e959490ef85a2','1',0.5,1);
CREATE TABLE "tasks" (
   "id" TEXT PRIMARY KEY,
   "bug" TEXT REFERENCES "bugs"("id"),
   "environment" TEXT REFERENCES "environments"("id"),
   "statement" TEXT,
   "created" TEXT
, "hints" TEXT NOT NULL DEFAULT '[]', "removed" TEXT NOT NULL DEFAULT '[]', "test_patch" TEXT NOT NULL DEFAULT '');
INSERT INTO "tasks" VALUES('pallets__click.cf88fdb6.func_pm_negate__7d1b27ab','7d1b27abdca35274c56764b682ee188d','edf1329a17c322650c2e959490ef85a2','Two tests fail.','2024-01-01T00:00:00+00:00','[]','[]','');
CREATE TABLE "test_sets" (
   "name" TEXT PRIMARY KEY,
   "size" INTEGER,
   "numbers" BLOB
);
INSERT INTO "test_sets" VALUES('cd819dd8b1e744f8c7994559',38,X'78DA636062620123BC0000062A004F');
INSERT INTO "test_sets" VALUES('cee02577d3dd54be68fe4648',2,X'78DA13610200002C0017');
INSERT INTO "test_sets" VALUES('b171e283c6145acf2b923098',0,X'78DA030000000001');
CREATE TABLE "tests" (
   "environment" TEXT REFERENCES "environments"("id"),
   "number" INTEGER,
   "test" TEXT,
   PRIMARY KEY ("environment", "number")
);
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',0,'tests/test_shop.py::test_number[0]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',1,'tests/test_shop.py::test_number[1]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',2,'tests/test_shop.py::test_number[2]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',3,'tests/test_shop.py::test_number[3]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',4,'tests/test_shop.py::test_number[4]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',5,'tests/test_shop.py::test_number[5]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',6,'tests/test_shop.py::test_number[6]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',7,'tests/test_shop.py::test_number[7]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',8,'tests/test_shop.py::test_number[8]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',9,'tests/test_shop.py::test_number[9]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',10,'tests/test_shop.py::test_number[10]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',11,'tests/test_shop.py::test_number[11]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',12,'tests/test_shop.py::test_number[12]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',13,'tests/test_shop.py::test_number[13]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',14,'tests/test_shop.py::test_number[14]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',15,'tests/test_shop.py::test_number[15]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',16,'tests/test_shop.py::test_number[16]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',17,'tests/test_shop.py::test_number[17]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',18,'tests/test_shop.py::test_number[18]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',19,'tests/test_shop.py::test_number[19]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',20,'tests/test_shop.py::test_number[20]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',21,'tests/test_shop.py::test_number[21]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',22,'tests/test_shop.py::test_number[22]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',23,'tests/test_shop.py::test_number[23]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',24,'tests/test_shop.py::test_number[24]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',25,'tests/test_shop.py::test_number[25]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',26,'tests/test_shop.py::test_number[26]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',27,'tests/test_shop.py::test_number[27]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',28,'tests/test_shop.py::test_number[28]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',29,'tests/test_shop.py::test_number[29]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',30,'tests/test_shop.py::test_number[30]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',31,'tests/test_shop.py::test_number[31]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',32,'tests/test_shop.py::test_number[32]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',33,'tests/test_shop.py::test_number[33]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',34,'tests/test_shop.py::test_number[34]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',35,'tests/test_shop.py::test_number[35]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',36,'tests/test_shop.py::test_number[36]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',37,'tests/test_shop.py::test_number[37]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',38,'tests/test_shop.py::test_number[38]');
INSERT INTO "tests" VALUES('edf1329a17c322650c2e959490ef85a2',39,'tests/test_shop.py::test_number[39]');
CREATE TABLE "trees" (
   "tree" TEXT PRIMARY KEY
);
INSERT INTO "trees" VALUES('b9fdffae4337dabcc2c93637798e882022543586');
CREATE TABLE "turns" (
   "queue" TEXT,
   "installation" INTEGER,
   "turn" INTEGER,
   PRIMARY KEY ("queue", "installation")
);
CREATE TABLE "verdicts" (
   "bug" TEXT REFERENCES "bugs"("id"),
   "environment" TEXT REFERENCES "environments"("id"),
   "harness" TEXT,
   "mode" TEXT,
   "reason" TEXT,
   "fail_to_pass" TEXT REFERENCES "test_sets"("name"),
   "spilled" TEXT REFERENCES "test_sets"("name"),
   "green" TEXT REFERENCES "test_sets"("name"),
   "excluded" TEXT REFERENCES "test_sets"("name"),
   "pass_to_pass" TEXT REFERENCES "test_sets"("name"),
   "seconds" REAL,
   "detail" TEXT, "kinds" TEXT NOT NULL DEFAULT '[]',
   PRIMARY KEY ("bug", "environment", "harness", "mode")
);
INSERT INTO "verdicts" VALUES('7d1b27abdca35274c56764b682ee188d','edf1329a17c322650c2e959490ef85a2','1','full','valid','cee02577d3dd54be68fe4648','b171e283c6145acf2b923098','cd819dd8b1e744f8c7994559','cee02577d3dd54be68fe4648',NULL,0.5,'','[]');
CREATE TABLE "written" (
   "key" TEXT PRIMARY KEY,
   "repository" INTEGER,
   "number" INTEGER,
   "digest" TEXT,
   "since" REAL
);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX "idx_attempts_tree_sandbox"
    ON "attempts" ("tree", "sandbox");
CREATE INDEX "idx_environments_tree_sandbox"
    ON "environments" ("tree", "sandbox");
CREATE UNIQUE INDEX "idx_tests_environment_test"
    ON "tests" ("environment", "test");
CREATE INDEX "idx_bugs_tree"
    ON "bugs" ("tree");
CREATE INDEX "idx_pull_requests_repository_number"
    ON "pull_requests" ("repository", "number");
CREATE INDEX "idx_model_calls_created"
    ON "model_calls" ("created");
CREATE INDEX "idx_model_calls_repository"
    ON "model_calls" ("repository");
CREATE INDEX "idx_model_calls_run"
    ON "model_calls" ("run");
CREATE INDEX "idx_model_holds_created"
    ON "model_holds" ("created");
CREATE INDEX "idx_model_holds_repository"
    ON "model_holds" ("repository");
CREATE INDEX "idx_model_holds_run"
    ON "model_holds" ("run");
CREATE INDEX "idx_batched_requests_key"
    ON "batched_requests" ("key");
CREATE INDEX "idx_deliveries_received"
    ON "deliveries" ("received");
CREATE UNIQUE INDEX "idx_jobs_kind_subject"
    ON "jobs" ("kind", "subject");
CREATE INDEX "idx_jobs_queue_state_due"
    ON "jobs" ("queue", "state", "due");
CREATE INDEX "idx_jobs_lane_state"
    ON "jobs" ("lane", "state");
CREATE INDEX "idx_jobs_repository_state"
    ON "jobs" ("repository", "state");
CREATE INDEX "idx_hosted_name"
    ON "hosted" ("name");
CREATE INDEX "idx_hosted_trees_tree"
    ON "hosted_trees" ("tree");
CREATE TRIGGER standing_of_origin after insert on origins
    when not exists (select 1 from standings where bug = new.bug)
    begin
        insert into standings (bug, tree, strategy, operator, path, entity, line,
                reason, mode, environment, harness, seconds, tasks)
            select new.bug, bugs.tree, new.strategy, new.operator, new.path, new.entity, new.line,
                '', '', '', '', 0, 0
            from bugs where bugs.id = new.bug;
    end;
CREATE TRIGGER standing_of_bug_gone after delete on bugs
    begin
        delete from standings where bug = old.id;
    end;
CREATE TRIGGER standing_of_verdict after insert on verdicts 
    begin
        update standings set reason = new.reason, mode = new.mode,
            environment = new.environment, harness = new.harness, seconds = new.seconds
        where bug = new.bug;
    end;
CREATE TRIGGER standing_of_verdict_given_again after update on verdicts 
    begin
        update standings set reason = new.reason, mode = new.mode,
            environment = new.environment, harness = new.harness, seconds = new.seconds
        where bug = new.bug;
    end;
CREATE TRIGGER standing_of_verdict_gone after delete on verdicts
    begin
        update standings
            set reason = '', mode = '', environment = '', harness = '', seconds = 0
            where bug = old.bug;
        update standings set reason = given.reason, mode = given.mode,
                environment = given.environment, harness = given.harness, seconds = given.seconds
            from (select * from verdicts where bug = old.bug order by rowid desc limit 1) as given
            where standings.bug = old.bug;
    end;
CREATE TRIGGER standing_of_task after insert on tasks
    begin
        update standings set tasks = (select count(*) from tasks where bug = new.bug)
            where bug = new.bug;
    end;
CREATE TRIGGER standing_of_task_gone after delete on tasks
    begin
        update standings set tasks = (select count(*) from tasks where bug = old.bug)
            where bug = old.bug;
    end;
CREATE UNIQUE INDEX "idx_standings_bug"
    ON "standings" ("bug");
CREATE INDEX "idx_standings_tree_strategy_operator_reason_mode_tasks_seconds"
    ON "standings" ("tree", "strategy", "operator", "reason", "mode", "tasks", "seconds");
CREATE INDEX idx_standings_with_tasks on standings (strategy, operator, tree, tasks, bug) where tasks > 0;
CREATE INDEX "idx_tasks_bug"
    ON "tasks" ("bug");
CREATE INDEX "idx_tasks_created_id_bug"
    ON "tasks" ("created", "id", "bug");
CREATE INDEX "idx_jobs_state_queue_kind_repository"
    ON "jobs" ("state", "queue", "kind", "repository");
CREATE INDEX "idx_model_calls_repository_strategy_purpose_model_created_dollars"
    ON "model_calls" ("repository", "strategy", "purpose", "model", "created", "dollars");
CREATE INDEX "idx_dispatches_place_run"
    ON "dispatches" ("place", "run");
CREATE INDEX "idx_dispatches_repository"
    ON "dispatches" ("repository");
CREATE INDEX "idx_dispatches_created"
    ON "dispatches" ("created");
COMMIT;

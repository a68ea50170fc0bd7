-- Counts what happens to imports, so that one look tells whether anything did, of any tenant. Counted
-- after the commit: who sees the number sees what it stands for.
CREATE SEQUENCE pipeline.import_moves;
GRANT SELECT, USAGE ON SEQUENCE pipeline.import_moves TO pm_api, pm_worker;

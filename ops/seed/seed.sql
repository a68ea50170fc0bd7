-- What seeding writes into the vault and beside the planner; role pm_worker, the tenant set. All of
-- it may be there already: seeding goes on where it was broken off.

-- name: prepare
-- For this session alone: many tenants in one call, each under its own name, as RLS wants it. The
-- campaigns are planned already, by whoever seeds: the planner leaves them alone.
CREATE FUNCTION pg_temp.fill(setting text, given json, content_id text, body jsonb, at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE part json; own text; list_id text; import_id text; rows int;
BEGIN
  FOR part IN SELECT value FROM json_array_elements(given) LOOP
    own := part->>'tenant_id'; list_id := part->>'list_id'; import_id := part->>'import_id';
    rows := part->>'rows';
    PERFORM set_config(setting, own, true);
    INSERT INTO vault.label (tenant_id, id, kind, label)
    SELECT own, * FROM json_to_recordset(part->'labels') AS named (id text, kind text, label text)
    ON CONFLICT DO NOTHING;
    INSERT INTO vault.lead_list (tenant_id, list_id, created_at) VALUES (own, list_id, at)
    ON CONFLICT DO NOTHING;
    INSERT INTO vault.import (tenant_id, import_id, list_id, state, rows, imported, fields,
                              started_at, ended_at)
    VALUES (own, import_id, list_id, 'done', rows, rows, '{first_name,city}', at, at)
    ON CONFLICT DO NOTHING;
    INSERT INTO vault.content (tenant_id, content_id, body) VALUES (own, content_id, body)
    ON CONFLICT DO NOTHING;
    INSERT INTO vault.sender (tenant_id, sender_id, address, name)
    VALUES (own, part->>'sender_id', part->>'sender', 'Seed') ON CONFLICT DO NOTHING;
    INSERT INTO pipeline.plan (campaign_id, tenant_id, launched, frozen, done)
    SELECT value, own, '{}', true, true FROM json_array_elements_text(part->'campaign_ids')
    ON CONFLICT DO NOTHING;
  END LOOP;
END $$;
CREATE FUNCTION pg_temp.add_leads(setting text, given json) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE part json; own text; list_id text; import_id text;
BEGIN
  FOR part IN SELECT value FROM json_array_elements(given) LOOP
    own := part->>'tenant_id'; list_id := part->>'list_id'; import_id := part->>'import_id';
    PERFORM set_config(setting, own, true);
    WITH lead AS (
      SELECT * FROM json_to_recordset(part->'leads')
        AS lead (contact_id text, address text, domain text, fields jsonb)
    ), kept AS (
      INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain, fields)
      SELECT own, contact_id, address, address, domain, fields FROM lead ON CONFLICT DO NOTHING
    )
    INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)
    SELECT own, list_id, contact_id, import_id FROM lead ON CONFLICT DO NOTHING;
  END LOOP;
END $$

-- name: fill
SELECT pg_temp.fill(%(setting)s, %(given)s::json, %(content_id)s, %(body)s::jsonb, %(at)s)

-- name: add_leads
SELECT pg_temp.add_leads(%(setting)s, %(given)s::json)

-- name: begun
-- Which of these streams the decision log has; role pm_projector, which reads every tenant's.
SELECT originator_id FROM es.decision_events
WHERE originator_id = ANY(%(streams)s) AND originator_version = 1

-- name: told
-- What one seeded tenant was given: events of its list and its campaigns; role pm_projector.
SELECT originator_id, topic, state FROM es.decision_events WHERE originator_id = ANY(%(streams)s)

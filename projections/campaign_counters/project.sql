-- name: decide
INSERT INTO rm.campaign_{v} AS c (tenant_id, campaign_id, state, state_pos, reason, template_id,
  content_id, list_ids, priority, message_class, drafted_at, launched_at, expires_at, ended_at)
VALUES (%(tenant_id)s, %(campaign_id)s, %(state)s, %(pos)s, %(reason)s, %(template_id)s, %(content_id)s,
  %(list_ids)s, %(priority)s, %(message_class)s, %(drafted_at)s, %(launched_at)s, %(expires_at)s,
  %(ended_at)s)
ON CONFLICT (tenant_id, campaign_id) DO UPDATE SET
  -- a cancelled campaign whose last send ended is recorded as finished, and stays cancelled
  state = CASE WHEN c.state = 'cancelled' THEN c.state ELSE excluded.state END, state_pos = excluded.state_pos, reason = excluded.reason,
  template_id = coalesce(excluded.template_id, c.template_id),
  content_id = coalesce(excluded.content_id, c.content_id),
  list_ids = coalesce(excluded.list_ids, c.list_ids),
  priority = coalesce(excluded.priority, c.priority),
  message_class = coalesce(excluded.message_class, c.message_class),
  drafted_at = coalesce(excluded.drafted_at, c.drafted_at),
  launched_at = coalesce(excluded.launched_at, c.launched_at),
  expires_at = coalesce(excluded.expires_at, c.expires_at),
  ended_at = coalesce(excluded.ended_at, c.ended_at)
WHERE excluded.state_pos > c.state_pos

-- name: plan_audience
INSERT INTO rm.campaign_step_{v} (tenant_id, campaign_id, step, total, batches)
VALUES (%(tenant_id)s, %(campaign_id)s, %(step)s, %(total)s, %(batches)s)
ON CONFLICT DO NOTHING

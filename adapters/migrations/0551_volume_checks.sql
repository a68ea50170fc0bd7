-- Whether the governor controls what leaves from an IP to a provider.
CREATE FUNCTION pipeline.governed(p_ip text, p_provider text) RETURNS boolean LANGUAGE sql STABLE
  RETURN coalesce((
    SELECT w.plan <> 'none' FROM pipeline.warmup w
    WHERE w.ip = p_ip AND w.provider IN (p_provider, '*') ORDER BY w.provider = '*' LIMIT 1), false);

-- Which breaker does not let a release of these uses leave, or NULL. Half open it lets its own probes
-- through. Of an IP that is not governed any more only what someone has to end binds.
CREATE FUNCTION pipeline.breaker_against(
  p_ip text, p_provider text, p_domain_id text, p_tenant_id text, p_campaign_id text, p_uses text[]
) RETURNS text LANGUAGE sql STABLE
  RETURN (
    SELECT 'breaker of ' || b.scope || ' ' || b.status
    FROM pipeline.volume_breaker b
    WHERE b.status <> 'closed'
      AND (b.scope, b.scope_id, b.provider) IN (
        ('cell', p_ip, p_provider), ('domain', p_domain_id, p_provider), ('ip', p_ip, ''),
        ('tenant', p_tenant_id, ''), ('campaign', p_campaign_id, ''))
      AND (b.status = 'blocked' OR b.scope NOT IN ('cell', 'ip')
           OR pipeline.governed(p_ip, p_provider))
      AND NOT (b.status = 'half'
               AND pipeline.probe(b.scope, b.scope_id, b.provider, b.since) = ANY(p_uses))
    LIMIT 1);

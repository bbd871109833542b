SELECT
  name,
  COUNT(*) as launches,
  SUM(dur)/1e6 as total_ms,
  AVG(dur)/1e3 as avg_us,
  MIN(dur)/1e3 as min_us,
  MAX(dur)/1e3 as max_us
FROM slices
WHERE name LIKE '%kernel%' OR name LIKE '%Launch%'
GROUP BY name
ORDER BY total_ms DESC
LIMIT 50;

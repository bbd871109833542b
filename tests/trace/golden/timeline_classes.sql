SELECT
  (ts - (SELECT MIN(ts) FROM slices))/1e9 as elapsed_sec,
  dur/1e9 as duration_sec,
  name,
  CASE
    WHEN name LIKE '%fmha%' THEN 'ATTENTION'
    WHEN name LIKE '%nvjet%' THEN 'MATMUL'
    WHEN name LIKE '%copy%' OR name LIKE '%Copy%' THEN 'MEMORY'
    WHEN name LIKE '%cat%' OR name LIKE '%Cat%' THEN 'CONCAT'
    ELSE 'OTHER'
  END as category
FROM slices
WHERE depth = 0 AND dur > 10000  -- >10us events
ORDER BY ts
LIMIT 100;

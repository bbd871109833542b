SELECT
  CASE
    WHEN name LIKE '%HtoD%' THEN 'Host→Device'
    WHEN name LIKE '%DtoH%' THEN 'Device→Host'
    WHEN name LIKE '%DtoD%' THEN 'Device→Device'
    ELSE name
  END as direction,
  COUNT(*) as count,
  SUM(dur)/1e6 as total_ms,
  SUM(dur)/1e9 as total_sec
FROM slices
WHERE name LIKE '%Memcpy%'
GROUP BY direction
ORDER BY total_ms DESC;

SELECT ts/1e9 as start_sec, dur/1e9 as dur_sec, name FROM slices WHERE dur > 10000000 AND depth <= 2 ORDER BY ts LIMIT 50;

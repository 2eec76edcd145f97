-- What was open when the backup was made may have been answered since: an operator decides (gateway list, replay).
update whatsapp.events set state = 'quarantined', changed_at = pg_catalog.clock_timestamp(),
  reason = 'open when the backup was made: it may have been answered since'
where state in ('ready', 'awaiting', 'held');
update whatsapp.deliveries set state = 'quarantined',
  error = 'open when the backup was made: it may have been answered since'
where state = 'new' or id in (select pg_catalog.unnest(delivery_ids) from whatsapp.arrivals);
delete from whatsapp.arrivals;
delete from whatsapp.lanes;

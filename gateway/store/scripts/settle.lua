-- settle.lua: what is to be done in the thread of a client who came back when a merge was undone, and where answers go.
-- Once ("parted" is there until then).
-- KEYS: 1 shard prefix
-- ARGV: 1 thread, 2 waiting since ms "" not, 3 unread, 4 events max, 5 channel by which he wrote last while the two were
--   one, "" he did not, 6 connector, 7 kind, 8 address, 9 route, 10 the other thread's window
-- Returns {"ok"}
local thread, record = ARGV[1], P .. 'thread:' .. ARGV[1]
local t = get(thread, 'parted', 'waiting', 'window', 'place', 'state', 'assignee', 'labels', 'last_ms', 'merged')
if t[1] and not t[9] then
  call('HDEL', record, 'parted')
  if ARGV[2] ~= '' and (not t[2] or tonumber(t[2]) > tonumber(ARGV[2])) then
    call('HSET', record, 'waiting', ARGV[2])
    call('ZADD', P .. 'waiting', ARGV[2], thread)
    local since, sla = string.match(t[1], '^(%d*) %d+ ?(.*)$')
    if since == ARGV[2] and sla ~= '' then answer_is_due_again(thread, sla) end
  end
  if tonumber(ARGV[3]) > 0 then call('HINCRBY', record, 'unread', ARGV[3]) end
  if ARGV[5] ~= '' then
    local _, ends, free = window_parts(ARGV[10], ARGV[5])
    local rest, own = window_parts(t[3] or '', ARGV[5])
    call('HSET', record, 'channel', ARGV[5], 'connector', ARGV[6], 'kind', ARGV[7], 'address', ARGV[8], 'route', ARGV[9])
    if tonumber(ends) > tonumber(own) then
      call('HSET', record, 'window', rest .. ARGV[5] .. ' ' .. ends .. ' ' .. free .. ';')
    end
    place(thread, t[4], t[5], t[6] or '', t[5], t[6] or '', ARGV[5], t[7], tonumber(t[8] or 0))
  end
end
event(ARGV[4], 't ' .. thread)
return {'ok'}

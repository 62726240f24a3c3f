-- dead_retry.lua: puts dead letters back at the end of their queues, the oldest first; their messages are queued
-- again.
-- KEYS: 1 shard prefix
-- ARGV: 1 now ms, 2 events max, 3 queue ("" of all), 4 first id, 5 last id ("" the newest), 6 at most so many
-- Returns {how many, last id}: what dies again meanwhile comes after that
local stream, last = P .. 'dead' .. (ARGV[3] == '' and '' or ':' .. ARGV[3]), ARGV[5]
if last == '' then
  local newest = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if not newest then return {0, ''} end
  last = newest[1]
end
local found = call('XRANGE', stream, ARGV[4], last, 'COUNT', ARGV[6])
for _, dead in ipairs(found) do
  local f = {}
  for i = 1, #dead[2], 2 do f[dead[2][i]] = dead[2][i + 1] end
  local is_crm = string.sub(f.q, 1, 4) == 'crm:'
  if is_crm then
    call('XADD', P .. f.q, '*', 'e', f.e)
  else
    enqueue(f.q, f.e)
    if string.sub(f.q, 1, 5) == 'from:' then -- event.lua: its bytes count again
      local body = P .. 'body:' .. f.q
      call('HINCRBY', body, 'bytes', call('HSTRLEN', body, string.match(f.e, '(%d+)$')))
    end
  end
  unbury(f.q, f.e, dead[1], ARGV[1])
  local thread, seq = string.match(f.e, '^m (%w+) (%d+)$')
  if not thread then thread, seq = string.match(f.e, '^(%w+) (%d+)') end
  local rec = thread and call('HGET', P .. 'log:' .. thread, seq)
  if rec then
    call('HSET', P .. 'log:' .. thread, seq,
      with_trail(rec, tonumber(ARGV[1]), is_crm and 'card_retry' or 'retry', 'by_hand'))
    event(ARGV[2], 's ' .. thread .. ' ' .. seq)
  end
end
return {#found, last}

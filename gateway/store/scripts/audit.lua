-- audit.lua: adds an entry to the audit log and keeps it within its ceilings.
-- KEYS: 1 "sb:audit" (stream), 2 "sb:audit:refused" (list: ids of the refused sign-ins in it, the newest first)
-- ARGV: 1 the entry's json, 2 entries at most, 3 ms that they are kept, 4 refused sign-ins at most, "" it is none
-- Returns the entry's id
local id = redis.call('XADD', KEYS[1], '*', 'e', ARGV[1])
if ARGV[4] ~= '' then
  redis.call('LPUSH', KEYS[2], id)
  while redis.call('LLEN', KEYS[2]) > tonumber(ARGV[4]) do
    redis.call('XDEL', KEYS[1], redis.call('RPOP', KEYS[2]))
  end
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[2])
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%d', tonumber(string.match(id, '^%d+')) - tonumber(ARGV[3])))
return id

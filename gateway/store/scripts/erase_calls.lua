-- erase_calls.lua: out of the log of calls to a CRM go those that have one of these texts in them.
-- KEYS: 1 the list   ARGV: texts
-- Returns {"ok"}
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  for i = 1, #ARGV do
    if string.find(entry, ARGV[i], 1, true) then
      redis.call('LREM', KEYS[1], 0, entry)
      break
    end
  end
end
return {'ok'}

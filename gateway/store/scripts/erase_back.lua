-- erase_back.lua: of what a CRM has told and nobody has acted on yet goes what is about somebody: what has one of these
-- texts in it.
-- KEYS: 1 shard prefix   ARGV: 1 target, 2... texts
-- Returns {"ok"}
local body = P .. 'body:from:' .. ARGV[1]
for _, number in ipairs(call('HKEYS', body)) do
  local told = string.find(number, '^%d+$') and call('HGET', body, number)
  for i = 2, #ARGV do
    if told and string.find(told, ARGV[i], 1, true) then
      call('HDEL', body, number)
      call('HINCRBY', body, 'bytes', string.format('%d', -#told))
      told = nil
    end
  end
end
return {'ok'}

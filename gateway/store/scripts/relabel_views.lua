-- relabel_views.lua: in an agent's or a token's saved views, puts another label in a label's place. Views of a label
-- that is taken away go with it: without it they would show what nobody asked for. His screens are told.
-- KEYS: 1 "sb:shelf:views:<name>"   ARGV: 1 the label, 2 the other one, "" none, 3 the name
-- Returns how many views it was
local n, all = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local rev, json = string.match(all[i + 1], '^(%d+) (.*)$')
  local ok, view = pcall(cjson.decode, json or '')
  if ok and type(view) == 'table' and view.label == ARGV[1] then
    if ARGV[2] == '' then
      redis.call('HDEL', KEYS[1], all[i])
    else
      view.label = ARGV[2]
      redis.call('HSET', KEYS[1], all[i], string.format('%d', rev + 1) .. ' ' .. cjson.encode(view))
    end
    redis.call('PUBLISH', 'sb:live', cjson.encode({t = 'desk', what = 'views', id = all[i], agent = ARGV[3]}))
    n = n + 1
  end
end
return n

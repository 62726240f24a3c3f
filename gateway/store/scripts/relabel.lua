-- relabel.lua: of some of the threads that have a label, takes it away or puts another one in its place.
-- KEYS: 1 shard prefix   ARGV: 1 the label, 2 the other one, "" none, 3 threads at most, 4 events max
-- Returns how many threads it was
local threads = call('ZRANGE', P .. 'view:l:all:' .. ARGV[1], 0, tonumber(ARGV[3]) - 1)
for _, thread in ipairs(threads) do
  local t = get(thread, 'state', 'assignee', 'labels', 'place', 'channel', 'last_ms', 'merged')
  if t[1] and not t[7] then
    local new, seen = {}, {}
    for _, l in ipairs(labels_of(t[3])) do
      if l == ARGV[1] then l = ARGV[2] end
      if l ~= '' and not seen[l] then
        seen[l] = true
        new[#new + 1] = l
      end
    end
    local json = #new > 0 and cjson.encode(new) or '[]'
    call('HSET', P .. 'thread:' .. thread, 'labels', json)
    place(thread, t[4], t[1], t[2], t[1], t[2] or '', t[5], json, tonumber(t[6] or 0))
    event(ARGV[4], 't ' .. thread)
  end
  call('ZREM', P .. 'view:l:all:' .. ARGV[1], thread) -- whatever its place was: no thread is met twice
end
return #threads

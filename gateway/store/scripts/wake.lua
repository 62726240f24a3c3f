-- wake.lua: threads whose snooze is over are open again.
-- KEYS: 1 shard prefix   ARGV: 1 now ms, 2 events max
-- Returns how many
local due = call('ZRANGEBYSCORE', P .. 'due', '-inf', ARGV[1], 'LIMIT', 0, 100)
for _, job in ipairs(due) do
  local thread = string.match(job, '^wake (.+)$')
  local t = get(thread, 'state', 'assignee', 'last_ms', 'merged')
  if t[1] == 'snoozed' and not t[4] then
    leave_views(thread, t[1], t[2])
    call('HSET', P .. 'thread:' .. thread, 'state', 'open', 'snooze', '')
    enter_views(thread, 'open', t[2], t[3] or ARGV[1])
    event(ARGV[2], 't ' .. thread)
  end
  call('ZREM', P .. 'due', job)
end
return #due

-- For wrk: counts the responses whose body is not the one given after `--`.
local threads = {}

function setup (thread) table.insert(threads, thread) end

function init (args) expected, others = args[1], 0 end

function response (status, _headers, body)
  if status == 200 and body ~= expected then others = others + 1 end
end

function done ()
  local sum = 0
  for _, thread in ipairs(threads) do sum = sum + thread:get('others') end
  io.write('Other bodies: ' .. sum .. '\n')
end

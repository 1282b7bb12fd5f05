-- What people ask for is healthy when Crossplane has composed it and all that it is made of is ready.
local hs = {status = "Progressing", message = "Waiting for Crossplane to compose it"}
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
local ready, synced = false, false
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Synced" then
    synced = condition.status == "True"
    if condition.reason == "ReconcilePaused" then
      return {status = "Suspended", message = "Paused"}
    end
    if condition.status == "False" then
      return {status = "Degraded", message = condition.message or condition.reason}
    end
  elseif condition.type == "Ready" then
    ready = condition.status == "True"
    hs.message = condition.message or condition.reason
  end
end
if ready and synced then
  return {status = "Healthy", message = "Ready"}
end
return hs

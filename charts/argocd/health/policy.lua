-- A Kyverno policy is healthy when Kyverno is asked about what it matches, and may read it to report on it.
local hs = {status = "Progressing", message = "Waiting for Kyverno to take it up"}
if obj.status == nil or obj.status.conditionStatus == nil then
  return hs
end
local status = obj.status.conditionStatus
if status.ready == true then
  return {status = "Healthy", message = "Ready"}
end
for _, condition in ipairs(status.conditions or {}) do
  if condition.status == "False" then
    hs.message = condition.message
    -- Permissions do not come by waiting.
    if condition.type == "RBACPermissionsGranted" then
      return {status = "Degraded", message = condition.message}
    end
  end
end
return hs

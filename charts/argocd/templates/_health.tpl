{{/*
Health checks: a pattern of kinds to the script in health/ that judges them. No two patterns may match the same kind.
Compositions and Crossplane's other kinds have a check in Argo CD itself. DeletingPolicies have no status to judge.
*/}}
{{- define "hub.argocd.health" -}}
argoproj.io/Application: application
apiextensions.crossplane.io/CompositeResourceDefinition: definition
"pkg.crossplane.io/{Configuration,Function,Provider}": package
"policies.kyverno.io/*{Generating,Mutating,Validating}Policy": policy
{{- range .Values.platformGroups }}
{{ printf "%s/*" . | quote }}: composite
{{- end }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "hub.gitea.labels" -}}
{{ include "hub.gitea.selector" . }}
app.kubernetes.io/part-of: gitea
backstack.dev/hub: {{ .Values.hub }}
{{- end -}}

{{/* The labels by which the pod is found. */}}
{{- define "hub.gitea.selector" -}}
app.kubernetes.io/name: gitea
{{- end -}}

{{/* Gitea's configuration. */}}
{{- define "hub.gitea.config" -}}
{{ .Files.Get "files/app.ini" | replace "%NAMESPACE%" .Release.Namespace }}
{{- end -}}

{{- define "argocd.instance" -}}
{{ .Release.Name }}
{{- end }}

{{- define "argocd.service" -}}
{{ .Release.Service }}
{{- end }}

{{- define "argocd.namespace" -}}
{{ .Release.Namespace }}
{{- end }}

{{- define "argocd.chart" -}}
{{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "argocd.image" -}}
{{ .Values.global.image.repository }}:{{ .Values.global.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "argocd.redisImage" -}}
{{ .Values.redis.image.repository }}:{{ .Values.redis.image.tag }}
{{- end }}

{{- define "argocd.definitionAnnotations" -}}
{{- $annotations := deepCopy .Values.crds.annotations }}
{{- if .Values.crds.keep }}
{{- $annotations = set $annotations "helm.sh/resource-policy" "keep" }}
{{- end }}
{{- toYaml $annotations }}
{{- end }}

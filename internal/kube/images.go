package kube

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// ErrImageUnavailable says that a wait has ended early because a pod's image cannot be had.
var ErrImageUnavailable = errors.New("an image cannot be had")

// imagePatience is how long an image may stay unavailable for a reason that seldom passes by itself: registries and
// their names are changed by people, and the kubelet has tried three times by then.
const imagePatience = 30 * time.Second

// outlook is what is to be expected of an image that is not there.
type outlook int

const (
	outlookOpen     outlook = iota // it may be there the next time
	outlookUnknown                 // the kubelet pauses between two attempts, and does not say what went wrong
	outlookBad                     // the registry does not have it, refuses it, or is not to be found
	outlookHopeless                // the kubelet will not try
)

// isImageReason says whether a container waits for its image in vain. The names are those of
// https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go.
func isImageReason(reason string) bool {
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError",
		"RegistryUnavailable", "SignatureValidationFailed":
		return true
	}
	return false
}

// imageOutlook judges why a container waits for its image. Kubernetes has no codes for it: what is looked for are the
// words of containerd, CRI-O and Docker.
func imageOutlook(reason, message string) outlook {
	contains := func(words ...string) bool {
		message := strings.ToLower(message)
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(message, word) })
	}
	switch {
	case reason == "ErrImageNeverPull", reason == "InvalidImageName":
		return outlookHopeless
	case contains("toomanyrequests", "too many requests", "qps exceeded", "500 internal", "502 bad gateway",
		"503 service unavailable", "504 gateway", "no space left"):
		return outlookOpen
	case contains("not found", "manifest unknown", "does not exist", "no match for platform", "no matching manifest",
		"unauthorized", "authorization failed", "access denied", "forbidden", "requested access to the resource is denied",
		"authentication required", "no basic auth credentials",
		"no such host", "server misbehaving", "connection refused", "no route to host", "network is unreachable",
		"i/o timeout", "x509: ", "server gave http response to https client"):
		return outlookBad
	case reason == "ImagePullBackOff" && !contains("errimagepull", "registryunavailable", "signaturevalidationfailed"):
		return outlookUnknown
	}
	return outlookOpen
}

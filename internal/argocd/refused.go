package argocd

import "errors"

// Refused says whether an error is that Argo CD does not take the user's name and password, which waiting does not mend.
func Refused(err error) bool {
	login := new(loginError)
	return errors.As(err, &login)
}

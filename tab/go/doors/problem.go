package doors

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// Problem is an error in terms that each language has.
type Problem struct {
	// Kind is "timeout", "verify", "tls", "name", "errno" or "closed".
	Kind string
	// Name is that of an errno, such as ECONNREFUSED.
	Name string `json:",omitempty"`
	// Code is OpenSSL's number for a certificate that is refused.
	Code    int `json:",omitempty"`
	Message string
}

var errnoNames = map[syscall.Errno]string{
	syscall.ECONNREFUSED: "ECONNREFUSED", syscall.ECONNRESET: "ECONNRESET",
	syscall.ENETUNREACH: "ENETUNREACH", syscall.EHOSTUNREACH: "EHOSTUNREACH",
	syscall.EINVAL: "EINVAL", syscall.ENOENT: "ENOENT", syscall.EPIPE: "EPIPE",
	syscall.EADDRNOTAVAIL: "EADDRNOTAVAIL",
}

// ProblemOf returns what an error of these doors is.
func ProblemOf(err error) Problem {
	problem := Problem{Kind: "errno", Name: "EIO", Message: err.Error()}
	var number syscall.Errno
	var name *net.DNSError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		problem.Kind = "timeout"
	case VerifyCode(err, time.Now()) != 0:
		problem.Kind, problem.Code = "verify", VerifyCode(err, time.Now())
	case errors.As(err, &header), errors.As(err, &alert), strings.Contains(err.Error(), "tls: "):
		problem.Kind = "tls"
	case errors.As(err, &name):
		problem.Kind = "name"
	case errors.As(err, &number):
		if known := errnoNames[number]; known != "" {
			problem.Name = known
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		problem.Kind = "closed"
	case errors.Is(err, net.ErrClosed):
		problem.Name = "EBADF"
	case errors.Is(err, io.ErrClosedPipe):
		problem.Name = "EPIPE"
	case strings.Contains(err.Error(), "connection reset"):
		problem.Name = "ECONNRESET"
	}
	return problem
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

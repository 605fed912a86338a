// Package unix has the part of golang.org/x/sys/unix that Kubernetes refers to outside of
// files for Linux; on js that package is empty. Each call fails: there is no system.
package unix

import "syscall"

// SIGWINCH never comes; the others are settings of terminals, never read or written.
const (
	SIGWINCH                                        = syscall.Signal(28)
	TCGETS, TCSETS, TIOCGWINSZ, VMIN, VTIME         = 0, 1, 2, 3, 4
	BRKINT, CS8, CSIZE, ECHO, ECHONL, ICANON        = 1, 2, 4, 8, 16, 32
	ICRNL, IEXTEN, IGNBRK, IGNCR, INLCR, ISIG       = 64, 128, 256, 512, 1024, 2048
	ISTRIP, IXON, OPOST, PARENB, PARMRK, TIOCSWINSZ = 4096, 8192, 16384, 32768, 65536, 5
)

type (
	// Termios is the settings of a terminal.
	Termios struct {
		Iflag, Oflag, Cflag, Lflag uint32
		Cc                         [32]uint8
	}
	// Winsize is the size of one.
	Winsize struct{ Row, Col, Xpixel, Ypixel uint16 }
	// Utsname is what the system says of itself.
	Utsname struct{ Release [65]byte }
)

// Umask sets nothing.
func Umask(int) int { return 0 }

// Uname fails, as the calls about terminals do: nothing is one.
func Uname(*Utsname) error { return syscall.ENOSYS }

func IoctlGetTermios(int, uint) (*Termios, error) { return nil, syscall.ENOSYS }
func IoctlSetTermios(int, uint, *Termios) error   { return syscall.ENOSYS }
func IoctlGetWinsize(int, uint) (*Winsize, error) { return &Winsize{}, syscall.ENOSYS }
func IoctlSetWinsize(int, uint, *Winsize) error   { return syscall.ENOSYS }

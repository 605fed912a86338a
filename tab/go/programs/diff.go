package programs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// comparison is a run of diff.
type comparison struct {
	*run
	options
	// differs says that a difference was found, trouble that a file could not be read.
	differs, trouble bool
}

// diff compares two files or directories, as lines, in the form of GNU's: 0 if they are equal, 1
// if not, 2 in trouble.
func diff(r *run) int {
	c := &comparison{run: r}
	c.options = r.options("u,unified N,new-file r,recursive q,brief U= a,text ,label=")
	if len(c.operands) != 2 {
		r.misuse("missing operand after '%s'", r.Args[len(r.Args)-1])
	}
	old, new := c.operands[0], c.operands[1]
	if c.isDirectory(old) && !c.isDirectory(new) {
		old = path.Join(old, path.Base(new))
	} else if c.isDirectory(new) && !c.isDirectory(old) {
		new = path.Join(new, path.Base(old))
	}
	if c.isDirectory(old) {
		c.directories(old, new)
	} else {
		c.files(old, new, "")
	}
	switch {
	case c.trouble:
		return 2
	case c.differs:
		return 1
	}
	return 0
}

func (c *comparison) isDirectory(name string) bool {
	info, err := c.Stat(name)
	return err == nil && info.IsDir()
}

// command returns the words that GNU's shows above each difference of files in directories.
func (c *comparison) command() string {
	words := []string{"diff"}
	for _, word := range c.Args[1:] {
		if strings.HasPrefix(word, "-") {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

func (c *comparison) directories(old, new string) {
	names := map[string][2]bool{}
	for side, directory := range []string{old, new} {
		entries, err := c.ReadDir(directory)
		if err != nil {
			c.trouble = true
			c.fail(2, "%s: %s", directory, reason(err))
			return
		}
		for _, entry := range entries {
			isThere := names[entry.Name()]
			isThere[side] = true
			names[entry.Name()] = isThere
		}
	}
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		isThere, a, b := names[name], path.Join(old, name), path.Join(new, name)
		switch {
		case c.isDirectory(a) && c.isDirectory(b):
			if c.has("r") {
				c.directories(a, b)
			} else {
				c.printf("Common subdirectories: %s and %s\n", a, b)
			}
		case isThere[0] && isThere[1] || c.has("N"):
			c.files(a, b, fmt.Sprintf("%s %s %s\n", c.command(), a, b))
		default:
			where := old
			if isThere[1] {
				where = new
			}
			c.differs = true
			c.printf("Only in %s: %s\n", where, name)
		}
	}
}

// text returns the lines of a file with their ends, and its time; with -N, that of a file that is
// not there is empty.
func (c *comparison) text(name string) (lines []string, moment string, ok bool) {
	bytes, err := []byte(nil), error(nil)
	if name == "-" {
		bytes, err = c.Process.ReadFile("/dev/stdin")
	} else {
		bytes, err = c.ReadFile(name)
	}
	const layout = "2006-01-02 15:04:05.000000000 -0700"
	moment = "1970-01-01 00:00:00.000000000 +0000"
	if info, other := c.Stat(name); other == nil {
		moment = info.ModTime().UTC().Format(layout)
	}
	if err != nil && !(c.has("N") && errors.Is(err, fs.ErrNotExist)) {
		c.trouble = true
		c.fail(2, "%s: %s", name, reason(err))
		return nil, "", false
	}
	if lines = strings.SplitAfter(string(bytes), "\n"); lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines, moment, true
}

func (c *comparison) files(old, new, head string) {
	a, oldTime, hasOld := c.text(old)
	b, newTime, hasNew := c.text(new)
	if !hasOld || !hasNew || slices.Equal(a, b) {
		return
	}
	c.differs = true
	if c.has("q") {
		c.printf("Files %s and %s differ\n", old, new)
		return
	}
	c.printf("%s", head)
	matcher := difflib.NewMatcherWithJunk(a, b, false, nil)
	if c.has("u") || c.has("U") {
		oldHead, newHead := old+"\t"+oldTime, new+"\t"+newTime
		if labels := c.values["label"]; len(labels) > 0 {
			oldHead, newHead = labels[0], labels[len(labels)-1]
		}
		c.printf("--- %s\n+++ %s\n", oldHead, newHead)
		c.unified(matcher, a, b)
		return
	}
	for _, part := range matcher.GetOpCodes() {
		if part.Tag == 'e' {
			continue
		}
		from, to := span(part.I1, part.I2), span(part.J1, part.J2)
		c.printf("%s%c%s\n", from, map[byte]byte{'r': 'c', 'd': 'd', 'i': 'a'}[part.Tag], to)
		c.lines("< ", a[part.I1:part.I2])
		if part.Tag == 'r' {
			c.printf("---\n")
		}
		c.lines("> ", b[part.J1:part.J2])
	}
}

// span returns a range of lines; of none, the number of the line before it.
func span(begin, end int) string {
	switch end - begin {
	case 0:
		return fmt.Sprint(begin)
	case 1:
		return fmt.Sprint(begin + 1)
	}
	return fmt.Sprintf("%d,%d", begin+1, end)
}

func (c *comparison) lines(sign string, lines []string) {
	for _, line := range lines {
		c.printf("%s%s", sign, line)
		if !strings.HasSuffix(line, "\n") {
			c.printf("\n\\ No newline at end of file\n")
		}
	}
}

func (c *comparison) unified(matcher *difflib.SequenceMatcher, a, b []string) {
	around := 3
	if text := c.last("U"); text != "" {
		if _, err := fmt.Sscan(text, &around); err != nil || around < 0 {
			c.misuse("invalid context length '%s'", text)
		}
	}
	hunk := func(begin, end int) string {
		if end-begin == 1 {
			return fmt.Sprint(begin + 1)
		} else if end == begin {
			return fmt.Sprintf("%d,0", begin)
		}
		return fmt.Sprintf("%d,%d", begin+1, end-begin)
	}
	for _, group := range matcher.GetGroupedOpCodes(around) {
		first, last := group[0], group[len(group)-1]
		c.printf("@@ -%s +%s @@\n", hunk(first.I1, last.I2), hunk(first.J1, last.J2))
		for _, part := range group {
			if part.Tag == 'e' {
				c.lines(" ", a[part.I1:part.I2])
				continue
			}
			c.lines("-", a[part.I1:part.I2])
			c.lines("+", b[part.J1:part.J2])
		}
	}
}

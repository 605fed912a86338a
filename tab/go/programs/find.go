package programs

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// search is a run of find: what it asks of each file, and how deep it goes.
type search struct {
	*run
	words            []string
	minimum, maximum int
	// depthFirst says that a directory comes after what is in it, as -delete needs it.
	depthFirst bool
	// acts says that the expression has an action; without one, each file found is printed.
	acts bool
	// ends are called when all files were seen, for -exec … +.
	ends []func()
	code int
}

// found is a file that a search has come to.
type found struct {
	name string
	info fs.FileInfo
}

// test asks something of a file, or does something with it.
type test func(found) bool

// find lists the files below directories for which an expression is true.
func find(r *run) int {
	s := &search{run: r, maximum: 1 << 30}
	words := r.Args[1:]
	var places []string
	for len(words) > 0 && !strings.HasPrefix(words[0], "-") && words[0] != "!" && words[0] != "(" {
		places, words = append(places, words[0]), words[1:]
	}
	if len(places) == 0 {
		places = []string{"."}
	}
	s.words = words
	is := test(func(found) bool { return true })
	if len(words) > 0 {
		is = s.either()
		if len(s.words) > 0 {
			s.wrong("paths must precede expression: `%s'", s.words[0])
		}
	}
	if !s.acts {
		inner := is
		is = func(file found) bool {
			if inner(file) {
				r.print(file.name)
			}
			return true
		}
	}
	for _, place := range places {
		s.walk(place, 0, is)
	}
	for _, end := range s.ends {
		end()
	}
	return s.code
}

// wrong ends find with a message.
func (s *search) wrong(format string, values ...any) {
	s.fail(1, format, values...)
	panic(exit{})
}

func (s *search) walk(name string, depth int, is test) {
	if s.ctx.Err() != nil {
		return
	}
	info, err := s.Lstat(name)
	if err != nil {
		s.code = s.fail(1, "‘%s’: %s", name, reason(err))
		return
	}
	if depth >= s.minimum && !s.depthFirst {
		is(found{name, info})
	}
	if info.IsDir() && depth < s.maximum {
		entries, err := s.ReadDir(name)
		if err != nil {
			s.code = s.fail(1, "‘%s’: %s", name, reason(err))
		}
		for _, entry := range entries {
			s.walk(strings.TrimSuffix(name, "/")+"/"+entry.Name(), depth+1, is)
		}
	}
	if depth >= s.minimum && s.depthFirst {
		is(found{name, info})
	}
}

// either reads tests between -o.
func (s *search) either() test {
	left := s.all()
	for len(s.words) > 0 && (s.words[0] == "-o" || s.words[0] == "-or") {
		s.words = s.words[1:]
		first, second := left, s.all()
		left = func(file found) bool { return first(file) || second(file) }
	}
	return left
}

// all reads tests that follow each other.
func (s *search) all() test {
	left := s.one()
	for len(s.words) > 0 && s.words[0] != "-o" && s.words[0] != "-or" && s.words[0] != ")" {
		if s.words[0] == "-a" || s.words[0] == "-and" {
			s.words = s.words[1:]
		}
		first, second := left, s.one()
		left = func(file found) bool { return first(file) && second(file) }
	}
	return left
}

// value returns the word after an option.
func (s *search) value(option string) string {
	if len(s.words) == 0 {
		s.wrong("missing argument to `%s'", option)
	}
	word := s.words[0]
	s.words = s.words[1:]
	return word
}

func (s *search) number(option string) int {
	word := s.value(option)
	number, err := strconv.Atoi(word)
	if err != nil || number < 0 {
		s.wrong("Expected a positive decimal integer argument to %s, but got `%s'", option, word)
	}
	return number
}

var kinds = map[string]func(fs.FileMode) bool{
	"f": fs.FileMode.IsRegular, "d": fs.FileMode.IsDir,
	"l": func(mode fs.FileMode) bool { return mode&fs.ModeSymlink != 0 },
}

func (s *search) one() test {
	if len(s.words) == 0 {
		s.wrong("expected an expression")
	}
	option := s.value("")
	always := func(found) bool { return true }
	switch option {
	case "!", "-not":
		inner := s.one()
		return func(file found) bool { return !inner(file) }
	case "(":
		inner := s.either()
		if len(s.words) == 0 || s.words[0] != ")" {
			s.wrong("invalid expression; expected to find a ')' but didn't see one.")
		}
		s.words = s.words[1:]
		return inner
	case "-name", "-iname", "-path":
		return s.pattern(option, s.value(option))
	case "-type":
		letter := s.value(option)
		is, isKnown := kinds[letter]
		if !isKnown {
			s.wrong("Unknown argument to -type: %s", letter)
		}
		return func(file found) bool { return is(file.info.Mode()) }
	case "-empty":
		return s.isEmpty
	case "-maxdepth":
		s.maximum = s.number(option)
		return always
	case "-mindepth":
		s.minimum = s.number(option)
		return always
	case "-depth":
		s.depthFirst = true
		return always
	case "-print", "-print0":
		s.acts = true
		end := map[string]string{"-print": "\n", "-print0": "\x00"}[option]
		return func(file found) bool {
			s.printf("%s%s", file.name, end)
			return true
		}
	case "-delete":
		s.acts, s.depthFirst = true, true
		return func(file found) bool {
			err := s.Remove(file.name)
			if err != nil {
				s.code = s.fail(1, "cannot delete ‘%s’: %s", file.name, reason(err))
			}
			return err == nil
		}
	case "-exec":
		return s.execution()
	}
	s.wrong("unknown predicate `%s'", option)
	return nil
}

// pattern returns a test of a file's name, or of its whole path, in which * is a slash, too.
func (s *search) pattern(option, pattern string) test {
	return func(file found) bool {
		name, pattern := path.Base(file.name), pattern
		switch option {
		case "-iname":
			name, pattern = strings.ToLower(name), strings.ToLower(pattern)
		case "-path":
			name = strings.ReplaceAll(file.name, "/", "\x01")
			pattern = strings.ReplaceAll(pattern, "/", "\x01")
		}
		is, err := path.Match(pattern, name)
		return is && err == nil
	}
}

func (s *search) isEmpty(file found) bool {
	if !file.info.IsDir() {
		return file.info.Mode().IsRegular() && file.info.Size() == 0
	}
	entries, err := s.ReadDir(file.name)
	return err == nil && len(entries) == 0
}

// execution reads a command up to ; or +, and returns what runs it.
func (s *search) execution() test {
	s.acts = true
	var words []string
	for {
		if len(s.words) == 0 {
			s.wrong("missing argument to `-exec'")
		}
		word := s.value("-exec")
		if word == ";" {
			break
		}
		if word == "+" && len(words) > 0 && words[len(words)-1] == "{}" {
			return s.executionOfAll(words[:len(words)-1])
		}
		words = append(words, word)
	}
	return func(file found) bool {
		var filled []string
		for _, word := range words {
			filled = append(filled, strings.ReplaceAll(word, "{}", file.name))
		}
		return s.runOther(s.ctx, filled, s.Env) == 0
	}
}

func (s *search) executionOfAll(words []string) test {
	var names []string
	s.ends = append(s.ends, func() {
		if len(names) > 0 && s.runOther(s.ctx, append(words, names...), s.Env) != 0 {
			s.code = 1
		}
	})
	return func(file found) bool {
		names = append(names, file.name)
		return true
	}
}

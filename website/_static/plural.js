// Sphinx makes a function of the text of a plural, which the Content-Security-Policy forbids.
// Korean has no plural.
Documentation.addTranslations = ({ locale, messages }) => {
  Object.assign(Documentation.TRANSLATIONS, messages);
  Documentation.LOCALE = locale;
  Documentation.PLURAL_EXPR = () => 0;
};

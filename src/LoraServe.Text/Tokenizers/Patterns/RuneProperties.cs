using static System.Globalization.UnicodeCategory;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>The named sets of Unicode scalar values that patterns refer to, as Oniguruma defines them.</summary>
internal static class RuneProperties
{
    public static readonly RuneSet WhiteSpace = new(rune => rune < 0x10000 && char.IsWhiteSpace((char)rune));

    public static readonly RuneSet Digit = RuneSet.Category(DecimalDigitNumber);

    public static readonly RuneSet Number = RuneSet.Category(DecimalDigitNumber, LetterNumber, OtherNumber);

    public static readonly RuneSet Letter =
        RuneSet.Category(UppercaseLetter, LowercaseLetter, TitlecaseLetter, ModifierLetter, OtherLetter);

    public static readonly RuneSet Mark = RuneSet.Category(NonSpacingMark, SpacingCombiningMark, EnclosingMark);

    public static readonly RuneSet Punctuation = RuneSet.Category(ConnectorPunctuation, DashPunctuation, OpenPunctuation,
        ClosePunctuation, InitialQuotePunctuation, FinalQuotePunctuation, OtherPunctuation);

    public static readonly RuneSet Symbol = RuneSet.Category(MathSymbol, CurrencySymbol, ModifierSymbol, OtherSymbol);

    public static readonly RuneSet HexDigit = new(rune => rune < 128 && char.IsAsciiHexDigit((char)rune));

    /// <summary>Letters, marks, decimal digits, connector punctuation and the letter-like symbols that Unicode calls alphabetic.</summary>
    public static readonly RuneSet Word = Letter.Union(Mark).Union(Digit)
        .Union(RuneSet.Category(LetterNumber, ConnectorPunctuation))
        .Union(new(rune => rune is >= 0x24B6 and <= 0x24E9 or >= 0x1F130 and <= 0x1F149
            or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189));

    /// <summary>Word characters of \w and \b outside brackets: Oniguruma's table for Latin-1 adds superscripts and fractions.</summary>
    public static readonly RuneSet BareWord = Word.Union(new(rune => rune is 0xB2 or 0xB3 or 0xB9 or 0xBC or 0xBD or 0xBE));

    private static readonly RuneSet Assigned = RuneSet.Category(OtherNotAssigned).Complement();

    private static readonly Dictionary<string, RuneSet> ByBracketName = new(StringComparer.Ordinal)
    {
        ["ascii"] = RuneSet.Range(0, 0x7F),
        ["blank"] = RuneSet.Category(SpaceSeparator).Union(RuneSet.Of('\t')),
        ["cntrl"] = RuneSet.Category(Control),
        ["digit"] = Digit,
        ["punct"] = Punctuation.Union(Symbol),
        ["space"] = WhiteSpace,
        ["word"] = Word,
        ["xdigit"] = HexDigit,
    };

    private static readonly Dictionary<string, RuneSet> ByName = new(StringComparer.Ordinal)
    {
        ["any"] = new(_ => true),
        ["whitespace"] = WhiteSpace,
        ["space"] = WhiteSpace,
        ["l"] = Letter,
        ["letter"] = Letter,
        ["lu"] = RuneSet.Category(UppercaseLetter),
        ["ll"] = RuneSet.Category(LowercaseLetter),
        ["lt"] = RuneSet.Category(TitlecaseLetter),
        ["lm"] = RuneSet.Category(ModifierLetter),
        ["lo"] = RuneSet.Category(OtherLetter),
        ["m"] = Mark,
        ["mark"] = Mark,
        ["mn"] = RuneSet.Category(NonSpacingMark),
        ["mc"] = RuneSet.Category(SpacingCombiningMark),
        ["me"] = RuneSet.Category(EnclosingMark),
        ["n"] = Number,
        ["number"] = Number,
        ["nd"] = Digit,
        ["nl"] = RuneSet.Category(LetterNumber),
        ["no"] = RuneSet.Category(OtherNumber),
        ["p"] = Punctuation,
        ["punct"] = Punctuation,
        ["punctuation"] = Punctuation,
        ["pc"] = RuneSet.Category(ConnectorPunctuation),
        ["pd"] = RuneSet.Category(DashPunctuation),
        ["ps"] = RuneSet.Category(OpenPunctuation),
        ["pe"] = RuneSet.Category(ClosePunctuation),
        ["pi"] = RuneSet.Category(InitialQuotePunctuation),
        ["pf"] = RuneSet.Category(FinalQuotePunctuation),
        ["po"] = RuneSet.Category(OtherPunctuation),
        ["s"] = Symbol,
        ["symbol"] = Symbol,
        ["sm"] = RuneSet.Category(MathSymbol),
        ["sc"] = RuneSet.Category(CurrencySymbol),
        ["sk"] = RuneSet.Category(ModifierSymbol),
        ["so"] = RuneSet.Category(OtherSymbol),
        ["z"] = RuneSet.Category(SpaceSeparator, LineSeparator, ParagraphSeparator),
        ["separator"] = RuneSet.Category(SpaceSeparator, LineSeparator, ParagraphSeparator),
        ["zs"] = RuneSet.Category(SpaceSeparator),
        ["zl"] = RuneSet.Category(LineSeparator),
        ["zp"] = RuneSet.Category(ParagraphSeparator),
        ["c"] = RuneSet.Category(Control, Format, Surrogate, PrivateUse, OtherNotAssigned),
        ["cc"] = RuneSet.Category(Control),
        ["cf"] = RuneSet.Category(Format),
        ["co"] = RuneSet.Category(PrivateUse),
        ["cn"] = RuneSet.Category(OtherNotAssigned),
        // Scripts: the ones that published tokenizers split on.
        ["han"] = Assigned.Intersection(new(rune => rune is >= 0x2E80 and <= 0x2FD5 or 0x3005 or 0x3007
            or >= 0x3021 and <= 0x3029 or >= 0x3038 and <= 0x303B or >= 0x3400 and <= 0x4DBF or >= 0x4E00 and <= 0x9FFF
            or >= 0xF900 and <= 0xFAD9 or 0x16FE2 or 0x16FE3 or 0x16FF0 or 0x16FF1 or >= 0x20000 and <= 0x323AF)),
        ["hiragana"] = new(rune => rune is >= 0x3041 and <= 0x3096 or >= 0x309D and <= 0x309F or >= 0x1B001 and <= 0x1B11F
            or 0x1B132 or >= 0x1B150 and <= 0x1B152 or 0x1F200),
        ["katakana"] = Assigned.Intersection(new(rune => rune is >= 0x30A1 and <= 0x30FA or >= 0x30FD and <= 0x30FF
            or >= 0x31F0 and <= 0x31FF or >= 0x32D0 and <= 0x32FE or >= 0x3300 and <= 0x3357 or >= 0xFF66 and <= 0xFF6F
            or >= 0xFF71 and <= 0xFF9D or >= 0x1AFF0 and <= 0x1AFFE or 0x1B000 or >= 0x1B120 and <= 0x1B122 or 0x1B155
            or >= 0x1B164 and <= 0x1B167)),
        ["hangul"] = Assigned.Intersection(new(rune => rune is >= 0x1100 and <= 0x11FF or 0x302E or 0x302F
            or >= 0x3131 and <= 0x318E or >= 0x3200 and <= 0x321E or >= 0x3260 and <= 0x327E or >= 0xA960 and <= 0xA97C
            or >= 0xAC00 and <= 0xD7FB or >= 0xFFA0 and <= 0xFFDC)),
    };

    /// <summary>The set of \p{name}, ignoring case, spaces, hyphens and underscores; null if it is unknown.</summary>
    public static RuneSet? Find(string name) => ByName.GetValueOrDefault(
        string.Concat(name.Where(c => c is not (' ' or '-' or '_')).Select(char.ToLowerInvariant)));

    /// <summary>The set of [:name:] inside brackets; null if it is unknown.</summary>
    public static RuneSet? FindBracket(string name) => ByBracketName.GetValueOrDefault(name);
}

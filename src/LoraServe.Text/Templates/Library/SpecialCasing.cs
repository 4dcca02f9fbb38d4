using System.Collections.Frozen;
using System.Text;

namespace LoraServe.Text.Templates.Library;

/// <summary>
/// Characters whose upper or title case is several characters, or that .NET leaves unchanged: the unconditional mappings of Unicode's
/// SpecialCasing.txt, and the digraphs with a title case of their own.
/// </summary>
internal static class SpecialCasing
{
    // A character, its upper case, and its title case where that is another.
    private const string Table =
        "ß,SS,Ss ı,I ŉ,ʼN ſ,S Ǆ,Ǆ,ǅ ǅ,Ǆ,ǅ ǆ,Ǆ,ǅ Ǉ,Ǉ,ǈ ǈ,Ǉ,ǈ ǉ,Ǉ,ǈ Ǌ,Ǌ,ǋ ǋ,Ǌ,ǋ ǌ,Ǌ,ǋ ǰ,J̌ Ǳ,Ǳ,ǲ ǲ,Ǳ,ǲ ǳ,Ǳ,ǲ ΐ,Ϊ́ ΰ,Ϋ́ "
        + "և,ԵՒ,Եւ ẖ,H̱ ẗ,T̈ ẘ,W̊ ẙ,Y̊ ẚ,Aʾ ὐ,Υ̓ ὒ,Υ̓̀ ὔ,Υ̓́ ὖ,Υ̓͂ ᾀ,ἈΙ,ᾈ ᾁ,ἉΙ,ᾉ ᾂ,ἊΙ,ᾊ ᾃ,ἋΙ,ᾋ ᾄ,ἌΙ,ᾌ ᾅ,ἍΙ,ᾍ ᾆ,ἎΙ,ᾎ "
        + "ᾇ,ἏΙ,ᾏ ᾈ,ἈΙ,ᾈ ᾉ,ἉΙ,ᾉ ᾊ,ἊΙ,ᾊ ᾋ,ἋΙ,ᾋ ᾌ,ἌΙ,ᾌ ᾍ,ἍΙ,ᾍ ᾎ,ἎΙ,ᾎ ᾏ,ἏΙ,ᾏ ᾐ,ἨΙ,ᾘ ᾑ,ἩΙ,ᾙ ᾒ,ἪΙ,ᾚ ᾓ,ἫΙ,ᾛ ᾔ,ἬΙ,ᾜ ᾕ,ἭΙ,ᾝ "
        + "ᾖ,ἮΙ,ᾞ ᾗ,ἯΙ,ᾟ ᾘ,ἨΙ,ᾘ ᾙ,ἩΙ,ᾙ ᾚ,ἪΙ,ᾚ ᾛ,ἫΙ,ᾛ ᾜ,ἬΙ,ᾜ ᾝ,ἭΙ,ᾝ ᾞ,ἮΙ,ᾞ ᾟ,ἯΙ,ᾟ ᾠ,ὨΙ,ᾨ ᾡ,ὩΙ,ᾩ ᾢ,ὪΙ,ᾪ ᾣ,ὫΙ,ᾫ ᾤ,ὬΙ,ᾬ "
        + "ᾥ,ὭΙ,ᾭ ᾦ,ὮΙ,ᾮ ᾧ,ὯΙ,ᾯ ᾨ,ὨΙ,ᾨ ᾩ,ὩΙ,ᾩ ᾪ,ὪΙ,ᾪ ᾫ,ὫΙ,ᾫ ᾬ,ὬΙ,ᾬ ᾭ,ὭΙ,ᾭ ᾮ,ὮΙ,ᾮ ᾯ,ὯΙ,ᾯ ᾲ,ᾺΙ,Ὰͅ ᾳ,ΑΙ,ᾼ ᾴ,ΆΙ,Άͅ ᾶ,Α͂ "
        + "ᾷ,Α͂Ι,ᾼ͂ ᾼ,ΑΙ,ᾼ ῂ,ῊΙ,Ὴͅ ῃ,ΗΙ,ῌ ῄ,ΉΙ,Ήͅ ῆ,Η͂ ῇ,Η͂Ι,ῌ͂ ῌ,ΗΙ,ῌ ῒ,Ϊ̀ ΐ,Ϊ́ ῖ,Ι͂ ῗ,Ϊ͂ ῢ,Ϋ̀ ΰ,Ϋ́ ῤ,Ρ̓ ῦ,Υ͂ "
        + "ῧ,Ϋ͂ ῲ,ῺΙ,Ὼͅ ῳ,ΩΙ,ῼ ῴ,ΏΙ,Ώͅ ῶ,Ω͂ ῷ,Ω͂Ι,ῼ͂ ῼ,ΩΙ,ῼ ﬀ,FF,Ff ﬁ,FI,Fi ﬂ,FL,Fl ﬃ,FFI,Ffi ﬄ,FFL,Ffl ﬅ,ST,St ﬆ,ST,St "
        + "ﬓ,ՄՆ,Մն ﬔ,ՄԵ,Մե ﬕ,ՄԻ,Մի ﬖ,ՎՆ,Վն ﬗ,ՄԽ,Մխ";

    private static readonly FrozenDictionary<Rune, (string Upper, string Title)> Cases = Table.Split(' ')
        .Select(static row => row.Split(','))
        .ToFrozenDictionary(static row => Rune.GetRuneAt(row[0], 0), static row => (row[1], row[^1]));

    /// <summary>The upper case, or null if .NET's is right.</summary>
    public static string? Upper(Rune rune) => !rune.IsAscii && Cases.TryGetValue(rune, out var cases) ? cases.Upper : null;

    /// <summary>The title case, or null if it equals the upper case. Georgian letters stay unchanged.</summary>
    public static string? Title(Rune rune) => rune.IsAscii ? null
        : rune.Value is >= 0x10D0 and <= 0x10FF ? rune.ToString()
        : Cases.TryGetValue(rune, out var cases) ? cases.Title
        : null;
}

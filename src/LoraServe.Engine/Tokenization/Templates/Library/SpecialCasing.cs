using System.Text;

namespace LoraServe.Engine.Tokenization.Templates.Library;

/// <summary>Characters whose upper case is not one other character.</summary>
internal static class SpecialCasing
{
    public static string? Upper(Rune rune) => rune.Value < 0x80 ? null : rune.Value switch
    {
        'ß' => "SS",
        _ => null,
    };

    public static string? Title(Rune rune) => rune.Value < 0x80 ? null : rune.Value switch
    {
        'ß' => "Ss",
        _ => null,
    };
}

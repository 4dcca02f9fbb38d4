namespace LoraServe.Text.Templates.Values;

/// <summary>The two boxed truth values.</summary>
internal static class Flag
{
    public static readonly object True = true;
    public static readonly object False = false;

    public static object Of(bool value) => value ? True : False;
}

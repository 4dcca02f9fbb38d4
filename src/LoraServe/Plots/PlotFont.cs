using ScottPlot;
using SkiaSharp;

namespace LoraServe.Plots;

/// <summary>
/// The typeface of all plots, bundled with the program: a container may have no fonts, and plots would then have no text.
/// </summary>
internal sealed class PlotFont : IFontResolver
{
    /// <summary>Its name.</summary>
    public const string Family = "Open Sans";

    private static readonly Lazy<bool> Registered = new(() =>
    {
        Fonts.FontResolvers.Insert(0, new PlotFont());
        Fonts.Default = Family;
        return true;
    });

    private readonly byte[] _regular = Resource("OpenSans-Regular.ttf");
    private readonly byte[] _bold = Resource("OpenSans-SemiBold.ttf");

    private PlotFont()
    {
    }

    /// <summary>Must be called before the first plot is made.</summary>
    public static void Register() => _ = Registered.Value;

    SKTypeface? IFontResolver.CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        Create(fontName, weight >= FontWeight.SemiBold);

    SKTypeface? IFontResolver.CreateTypeface(string fontName, bool bold, bool italic) => Create(fontName, bold);

    private SKTypeface? Create(string name, bool isBold) =>
        name == Family ? SKTypeface.FromStream(new MemoryStream(isBold ? _bold : _regular)) : null;

    private static byte[] Resource(string name)
    {
        using var stream = typeof(PlotFont).Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}

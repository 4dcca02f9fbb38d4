using ScottPlot;
using SkiaSharp;

namespace LoraServe.Plots;

/// <summary>A plot in the style of a paper: white background, few lines, colours that colour-blind readers can tell apart.</summary>
internal static class Figure
{
    private const float TextSize = 13;
    private const float TitleSize = 15;

    // Image pixels per plot pixel, so that plots are sharp on dense screens and in print.
    private const int Density = 2;

    // The palette of Okabe and Ito (2008) without yellow, which is faint on white.
    private static readonly Color[] Palette =
        [.. new[] { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D" }.Select(hex => Color.FromHex(hex))];

    /// <summary>The colour of lines, text and baselines.</summary>
    public static Color Ink { get; } = Color.FromHex("#222222");

    /// <summary>The colour of a series.</summary>
    /// <param name="index">From 0; colours repeat after the last.</param>
    public static Color ColorOf(int index) => Palette[index % Palette.Length];

    /// <summary>An empty plot.</summary>
    public static Plot Create(string title, string x, string y)
    {
        PlotFont.Register();
        var plot = new Plot { ScaleFactor = Density };
        plot.Font.Set(PlotFont.Family);
        plot.Title(title, TitleSize);
        plot.XLabel(x, TextSize);
        plot.YLabel(y, TextSize);
        plot.Axes.Bottom.Label.Bold = plot.Axes.Left.Label.Bold = false;
        plot.Axes.Bottom.TickLabelStyle.FontSize = plot.Axes.Left.TickLabelStyle.FontSize = TextSize - 1;
        plot.Axes.Color(Ink);
        plot.Axes.Right.FrameLineStyle.Width = plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(0.08);
        plot.Legend.FontSize = TextSize - 1;
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.BackgroundColor = Colors.White.WithAlpha(0.85);
        return plot;
    }

    /// <summary>The plot as a PNG file.</summary>
    /// <param name="plot">Of <see cref="Create"/>.</param>
    /// <param name="width">In pixels at standard density.</param>
    /// <param name="height">Likewise.</param>
    public static byte[] Png(Plot plot, int width = 640, int height = 420) =>
        plot.GetImageBytes(Density * width, Density * height, ImageFormat.Png);

    /// <summary>Plots side by side as a PNG file.</summary>
    public static byte[] Png(IReadOnlyList<Plot> plots, int width = 640, int height = 420)
    {
        using var surface = SKSurface.Create(new SKImageInfo(Density * width * plots.Count, Density * height));
        for (var i = 0; i < plots.Count; i++)
        {
            using var part = SKImage.FromEncodedData(Png(plots[i], width, height));
            surface.Canvas.DrawImage(part, Density * width * i, 0);
        }

        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, quality: 100);
        return data.ToArray();
    }
}

(** * The mean value inequality, and curves with a Lipschitz derivative

    In any normed space: a curve w whose derivative is at most m' in norm moves by at most m(q) − m(p). Integrals of
    vectors are not needed. Where the derivative is L-Lipschitz, w(q) − w(p) misses (q − p)w'(p) by at most
    L(q − p)²/2. *)

From Coq Require Import Reals Lra Psatz Classical.
From NatrobProofs Require Import normed_space.
Open Scope R_scope.
Open Scope vector_scope.

Section MeanValue.

Variable V : NormedSpace.

(** v is the derivative of w at t: the difference quotients tend to it. *)
Definition has_derivative (w : R -> V) (t : R) (v : V) : Prop :=
  forall epsilon, 0 < epsilon -> exists delta, 0 < delta /\
    forall h, h <> 0 -> Rabs h < delta -> ‖(/ h) • (w (t + h) ⊖ w t) ⊖ v‖ < epsilon.

(** Near t the curve moves by at most (‖v‖ + ε)|h|. *)
Lemma move_near : forall w t v epsilon, has_derivative w t v -> 0 < epsilon -> exists delta, 0 < delta /\
  forall h, Rabs h < delta -> ‖w (t + h) ⊖ w t‖ <= (‖v‖ + epsilon) * Rabs h.
Proof.
  intros w t v epsilon derivative positive. destruct (derivative epsilon positive) as [delta [positive_delta near]].
  exists delta. split; [assumption|]. intros h small. destruct (Req_dec h 0) as [null|nonzero].
  - subst h. rewrite Rplus_0_r, add_opposite, norm_zero, Rabs_R0. lra.
  - pose proof (near h nonzero small) as close. set (q := (/ h) • (w (t + h) ⊖ w t)) in *.
    replace (w (t + h) ⊖ w t) with (h • q).
    2: { unfold q. rewrite scale_scale, Rinv_r by assumption. apply scale_one. }
    rewrite norm_scale, Rmult_comm. apply Rmult_le_compat_r; [apply Rabs_pos|].
    replace q with ((q ⊖ v) ⊕ v) by vector. apply Rle_trans with (1 := norm_triangle _ _ _). lra.
Qed.

(** Near t a real function with slope m' moves by at least (m' − ε)h to the right. *)
Lemma rise_near : forall (m : R -> R) t slope epsilon, derivable_pt_lim m t slope -> 0 < epsilon ->
  exists delta, 0 < delta /\ forall h, Rabs h < delta -> Rabs (m (t + h) - m t - slope * h) <= epsilon * Rabs h.
Proof.
  intros m t slope epsilon derivative positive. destruct (derivative epsilon positive) as [delta near].
  exists delta. split; [apply cond_pos|]. intros h small. destruct (Req_dec h 0) as [null|nonzero].
  - subst h. rewrite Rplus_0_r. replace (m t - m t - slope * 0) with 0 by ring. rewrite !Rabs_R0. lra.
  - pose proof (near h nonzero small) as close.
    replace (m (t + h) - m t - slope * h) with (((m (t + h) - m t) / h - slope) * h) by (field; assumption).
    rewrite Rabs_mult. apply Rmult_le_compat_r; [apply Rabs_pos|lra].
Qed.

Section Inequality.

Variable w w' : R -> V.
Variable m m' : R -> R.
Variable p q : R.
Hypothesis forward : p <= q.
Hypothesis of_w : forall s, p <= s <= q -> has_derivative w s (w' s).
Hypothesis of_m : forall s, p <= s <= q -> derivable_pt_lim m s (m' s).
Hypothesis below : forall s, p <= s <= q -> ‖w' s‖ <= m' s.

(** Around every point the curve moves by at most what m rises, and ε|h|. *)
Lemma local_move : forall s epsilon, p <= s <= q -> 0 < epsilon -> exists delta, 0 < delta /\
  forall h, Rabs h < delta ->
    (0 <= h -> ‖w (s + h) ⊖ w s‖ <= m (s + h) - m s + epsilon * h) /\
    (h <= 0 -> ‖w (s + h) ⊖ w s‖ <= m s - m (s + h) - epsilon * h).
Proof.
  intros s epsilon inside positive.
  destruct (move_near w s (w' s) (epsilon / 2) (of_w s inside) ltac:(lra)) as [delta_w [positive_w near_w]].
  destruct (rise_near m s (m' s) (epsilon / 2) (of_m s inside) ltac:(lra)) as [delta_m [positive_m near_m]].
  exists (Rmin delta_w delta_m). split; [apply Rmin_pos; assumption|]. intros h small.
  pose proof (near_w h (Rlt_le_trans _ _ _ small (Rmin_l _ _))) as move.
  pose proof (near_m h (Rlt_le_trans _ _ _ small (Rmin_r _ _))) as rise.
  pose proof (below s inside) as slope. pose proof (Rmult_le_compat_r (Rabs h) _ _ (Rabs_pos h) slope) as scaled.
  pose proof (Rle_abs (m (s + h) - m s - m' s * h)).
  pose proof (Rle_abs (- (m (s + h) - m s - m' s * h))) as other. rewrite Rabs_Ropp in other.
  split; intro sign.
  - rewrite (Rabs_right h) in * by lra. lra.
  - rewrite (Rabs_left1 h) in * by lra. lra.
Qed.

(** As far as s everything is right. *)
Let kept (epsilon s : R) : Prop := ‖w s ⊖ w p‖ <= m s - m p + epsilon * (s - p).
Let reached (epsilon s : R) : Prop := p <= s <= q /\ forall r, p <= r <= s -> kept epsilon r.

Lemma kept_to_the_end : forall epsilon, 0 < epsilon -> kept epsilon q.
Proof.
  intros epsilon positive.
  assert (kept epsilon p) as at_start. { unfold kept. rewrite add_opposite, norm_zero. lra. }
  assert (reached epsilon p) as first.
  { split; [lra|]. intros r inside. replace r with p by lra. assumption. }
  destruct (completeness (reached epsilon)) as [c [upper least]].
  { exists q. intros s [inside _]. lra. }
  { exists p. assumption. }
  assert (p <= c <= q) as inside. { split; [apply upper; assumption|]. apply least. intros s [within _]. lra. }
  (* points below c are reached *)
  assert (forall r, r < c -> exists s, r < s /\ reached epsilon s) as approached.
  { intros r less. apply NNPP. intro none. apply (Rlt_not_le _ _ less). apply least. intros s is_reached.
    apply Rnot_lt_le. intro more. apply none. exists s. auto. }
  destruct (local_move c epsilon inside positive) as [delta [positive_delta near]].
  assert (forall s r, kept epsilon s -> ‖w r ⊖ w s‖ <= m r - m s + epsilon * (r - s) -> kept epsilon r) as onward.
  { intros s r before move. unfold kept in *. replace (w r ⊖ w p) with ((w r ⊖ w s) ⊕ (w s ⊖ w p)) by vector.
    apply Rle_trans with (1 := norm_triangle _ _ _). lra. }
  assert (kept epsilon c) as at_c.
  { destruct (approached (c - delta) ltac:(lra)) as [s [close [within all]]].
    assert (s <= c) as order by (apply upper; split; assumption).
    apply (onward s); [apply all; lra|].
    destruct (near (s - c)) as [_ left]; [rewrite Rabs_left1; lra|]. specialize (left ltac:(lra)).
    replace (c + (s - c)) with s in left by ring. rewrite distance_symmetric. lra. }
  assert (forall r, p <= r <= c -> kept epsilon r) as up_to_c.
  { intros r between. destruct (Req_dec r c) as [same|other]; [subst; assumption|].
    destruct (approached r ltac:(lra)) as [s [more [within all]]]. apply all. lra. }
  (* and beyond c as far as δ/2 *)
  assert (reached epsilon (Rmin q (c + delta / 2))) as further.
  { pose proof (Rmin_l q (c + delta / 2)). pose proof (Rmin_r q (c + delta / 2)).
    assert (c <= Rmin q (c + delta / 2)) by (apply Rmin_glb; lra).
    split; [lra|]. intros r between. destruct (Rle_dec r c) as [before|after]; [apply up_to_c; lra|].
    apply (onward c); [assumption|].
    destruct (near (r - c)) as [right _]; [rewrite Rabs_right; lra|]. specialize (right ltac:(lra)).
    replace (c + (r - c)) with r in right by ring. lra. }
  apply up_to_c. split; [assumption|]. pose proof (upper _ further) as bound.
  unfold Rmin in bound. destruct (Rle_dec q (c + delta / 2)); lra.
Qed.

Theorem mean_value_inequality : ‖w q ⊖ w p‖ <= m q - m p.
Proof.
  apply Rnot_lt_le. intro more. set (excess := ‖w q ⊖ w p‖ - (m q - m p)) in *.
  assert (0 < excess) as positive by (unfold excess; lra).
  assert (0 < excess / (2 * (q - p + 1))) as share by (apply Rdiv_lt_0_compat; lra).
  pose proof (kept_to_the_end _ share) as at_end. unfold kept in at_end.
  assert (excess / (2 * (q - p + 1)) * (q - p) < excess) as small.
  { apply Rle_lt_trans with (excess / (2 * (q - p + 1)) * (q - p + 1)); [apply Rmult_le_compat_l; lra|].
    replace (excess / (2 * (q - p + 1)) * (q - p + 1)) with (excess / 2) by (field; lra). lra. }
  unfold excess in *. lra.
Qed.

End Inequality.

(** ** Consequences *)

Lemma line_has_slope : forall a b t, derivable_pt_lim (fun s => a * s + b) t a.
Proof.
  intros a b t epsilon positive. exists (mkposreal 1 Rlt_0_1). intros h nonzero _.
  replace ((a * (t + h) + b - (a * t + b)) / h - a) with 0 by (field; assumption). rewrite Rabs_R0. assumption.
Qed.

Lemma parabola_has_slope : forall a r t, derivable_pt_lim (fun s => a * (s - r) ^ 2 / 2) t (a * (t - r)).
Proof.
  intros a r t epsilon positive.
  assert (0 < 2 * epsilon / (Rabs a + 1)) as share.
  { apply Rdiv_lt_0_compat; [lra|]. pose proof (Rabs_pos a). lra. }
  exists (mkposreal _ share). simpl. intros h nonzero small.
  replace ((a * ((t + h - r) * ((t + h - r) * 1)) / 2 - a * ((t - r) * ((t - r) * 1)) / 2) / h - a * (t - r))
    with (a * h / 2) by (field; assumption).
  unfold Rdiv. rewrite !Rabs_mult, (Rabs_right (/ 2)) by lra. pose proof (Rabs_pos a) as size.
  pose proof (Rabs_pos_lt h nonzero) as positive_h.
  apply Rle_lt_trans with ((Rabs a + 1) * Rabs h * / 2).
  - apply Rmult_le_compat_r; [lra|]. apply Rmult_le_compat_r; lra.
  - apply Rlt_le_trans with ((Rabs a + 1) * (2 * epsilon / (Rabs a + 1)) * / 2).
    + apply Rmult_lt_compat_r; [lra|]. apply Rmult_lt_compat_l; [lra|exact small].
    + right. field. lra.
Qed.

Lemma minus_line : forall w t v d, has_derivative w t v -> has_derivative (fun s => w s ⊖ s • d) t (v ⊖ d).
Proof.
  intros w t v d derivative epsilon positive. destruct (derivative epsilon positive) as [delta [positive_delta near]].
  exists delta. split; [assumption|]. intros h nonzero small.
  replace ((/ h) • ((w (t + h) ⊖ (t + h) • d) ⊖ (w t ⊖ t • d)) ⊖ (v ⊖ d))
    with ((/ h) • (w (t + h) ⊖ w t) ⊖ v).
  - apply near; assumption.
  - replace ((w (t + h) ⊖ (t + h) • d) ⊖ (w t ⊖ t • d)) with ((w (t + h) ⊖ w t) ⊖ h • d) by vector.
    set (difference := w (t + h) ⊖ w t). rewrite scale_add. rewrite (opposite_is_scale _ (h • d)), !scale_scale.
    replace (/ h * (-1 * h)) with (-1) by (field; assumption). vector.
Qed.

(** A curve of speed at most c moves by at most c(q − p). *)
Theorem move_at_most : forall w g c p q, p <= q ->
  (forall s, p <= s <= q -> has_derivative w s (g s)) -> (forall s, p <= s <= q -> ‖g s‖ <= c) ->
  ‖w q ⊖ w p‖ <= c * (q - p).
Proof.
  intros w g c p q forward derivative speed.
  replace (c * (q - p)) with (c * q + 0 - (c * p + 0)) by ring.
  apply (mean_value_inequality w g (fun s => c * s + 0) (fun _ => c)); auto. intros. apply line_has_slope.
Qed.

(** The slope is L-Lipschitz on [p, q]. *)
Definition lipschitz_slope (g : R -> V) (L p q : R) : Prop :=
  forall r s, p <= r -> r <= s -> s <= q -> ‖g s ⊖ g r‖ <= L * (s - r).

Theorem rectangle_from_the_left : forall w g L p q, p <= q ->
  (forall s, p <= s <= q -> has_derivative w s (g s)) -> lipschitz_slope g L p q ->
  ‖(w q ⊖ w p) ⊖ (q - p) • g p‖ <= L * (q - p) ^ 2 / 2.
Proof.
  intros w g L p q forward derivative slope.
  replace ((w q ⊖ w p) ⊖ (q - p) • g p) with ((w q ⊖ q • g p) ⊖ (w p ⊖ p • g p)) by vector.
  replace (L * (q - p) ^ 2 / 2) with (L * (q - p) ^ 2 / 2 - L * (p - p) ^ 2 / 2) by field.
  apply (mean_value_inequality (fun s => w s ⊖ s • g p) (fun s => g s ⊖ g p)
    (fun s => L * (s - p) ^ 2 / 2) (fun s => L * (s - p))); [assumption|..].
  - intros s inside. apply minus_line. apply derivative. assumption.
  - intros. apply parabola_has_slope.
  - intros s [from to]. apply slope; lra.
Qed.

Theorem rectangle_from_the_right : forall w g L p q, p <= q ->
  (forall s, p <= s <= q -> has_derivative w s (g s)) -> lipschitz_slope g L p q ->
  ‖(w q ⊖ w p) ⊖ (q - p) • g q‖ <= L * (q - p) ^ 2 / 2.
Proof.
  intros w g L p q forward derivative slope.
  replace ((w q ⊖ w p) ⊖ (q - p) • g q) with ((w q ⊖ q • g q) ⊖ (w p ⊖ p • g q)) by vector.
  replace (L * (q - p) ^ 2 / 2) with (- L * (q - q) ^ 2 / 2 - - L * (p - q) ^ 2 / 2) by field.
  apply (mean_value_inequality (fun s => w s ⊖ s • g q) (fun s => g s ⊖ g q)
    (fun s => - L * (s - q) ^ 2 / 2) (fun s => - L * (s - q))); [assumption|..].
  - intros s inside. apply minus_line. apply derivative. assumption.
  - intros. apply parabola_has_slope.
  - intros s [from to]. rewrite distance_symmetric. pose proof (slope s q from to ltac:(lra)). lra.
Qed.

End MeanValue.

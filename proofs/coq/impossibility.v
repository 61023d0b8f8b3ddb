(** * No classifier is robust at an L∞ radius of one half

    Statement.   With pixels in [0, 1] and an L∞ radius ε ≥ 1/2 the constant image 1/2 lies in every ball, so the number
                 of test samples on whose whole ball a classifier is right is at most the largest class count, and its
                 robust accuracy at most the largest class share. For ε < 1/2 no such limit exists. k steps of size a
                 move a pixel by at most ka, so 40 steps of 0.01 reach less than the radius 0.5.
    Assumptions. any set of pixels and of labels; the classifier is a function of the image alone: deterministic, one
                 image at a time; the test images have their pixels in [0, 1]; for ε < 1/2, at least one pixel
    Source.      theory, section 2 (Impossibility); the paper's accuracies at ε = 0.5
    Verdict.     proved as stated
    Theorems.    half_lies_in_every_ball, robust_below_class_count, robust_below_largest_class, robust_accuracy,
                 mnist_test_set, constant_classifier_attains, balls_are_disjoint, threshold_is_right_on_both,
                 steps_move_a_pixel, clipped_step, forty_steps *)

From Coq Require Import Reals Lra Lia List.
Import ListNotations.
Open Scope R_scope.

Lemma between : forall x a, Rabs x <= a -> - a <= x <= a.
Proof.
  intros x a. unfold Rabs. destruct (Rcase_abs x); lra.
Qed.

Section Images.

Variable pixel : Type.

Definition image : Type := pixel -> R.

Definition valid (x : image) : Prop := forall p, 0 <= x p <= 1.

(** The images within the L∞ distance ε of a centre *)
Definition in_ball (centre : image) (epsilon : R) (x : image) : Prop :=
  valid x /\ forall p, Rabs (x p - centre p) <= epsilon.

Definition half : image := fun _ => / 2.

(** |1/2 − c| ≤ 1/2 for every c in [0, 1]. *)
Theorem half_lies_in_every_ball : forall centre epsilon,
  valid centre -> / 2 <= epsilon -> in_ball centre epsilon half.
Proof.
  intros centre epsilon pixels radius. unfold half. split; intro p; [lra|].
  specialize (pixels p). apply Rabs_le. lra.
Qed.

(** ** Counting *)

Section Classifiers.

Variable label : Type.
Variable same_label : forall a b : label, {a = b} + {a <> b}.

Definition sample : Type := (image * label)%type.

(** The classifier gives the right label on all points of the ball. *)
Definition right_on_ball (classify : image -> label) (epsilon : R) (s : sample) : Prop :=
  forall x, in_ball (fst s) epsilon x -> classify x = snd s.

Definition has_label (a : label) (s : sample) : bool := if same_label (snd s) a then true else false.

Definition class_count (a : label) (samples : list sample) : nat := length (filter (has_label a) samples).

(** The largest class count, over the labels that occur *)
Definition largest_class (samples : list sample) : nat :=
  fold_right Nat.max O (map (fun s => class_count (snd s) samples) samples).

Lemma filter_is_shorter : forall (A : Type) (p q : A -> bool) (samples : list A),
  (forall s, In s samples -> p s = true -> q s = true) -> (length (filter p samples) <= length (filter q samples))%nat.
Proof.
  intros A p q samples implied. induction samples as [|s rest step]; simpl; [lia|].
  assert (length (filter p rest) <= length (filter q rest))%nat by (apply step; intros; apply implied; simpl; auto).
  pose proof (implied s (or_introl eq_refl)) as here.
  destruct (p s), (q s); simpl; try lia; discriminate (here eq_refl).
Qed.

Lemma maximum_is_largest : forall (counts : list nat) n, In n counts -> (n <= fold_right Nat.max O counts)%nat.
Proof.
  induction counts as [|first rest step]; intros n present; simpl in *; [contradiction|].
  destruct present as [same|later]; [subst; lia|]. specialize (step n later). lia.
Qed.

Lemma class_below_largest : forall a samples, (class_count a samples <= largest_class samples)%nat.
Proof.
  intros a samples. destruct (filter (has_label a) samples) as [|s rest] eqn:members.
  - unfold class_count. rewrite members. simpl. lia.
  - (* the class has a member s, so its count is among those compared *)
    assert (In s (filter (has_label a) samples)) as member by (rewrite members; simpl; auto).
    apply filter_In in member. destruct member as [present labelled].
    unfold has_label in labelled. destruct (same_label (snd s) a) as [same|other]; [|discriminate].
    apply maximum_is_largest. apply in_map_iff. exists s. rewrite same. auto.
Qed.

(** [robust] marks samples, each with a proof that the classifier is right on the sample's whole ball. Every marked
    sample has the label of the image 1/2. *)
Theorem robust_below_class_count : forall classify epsilon samples (robust : sample -> bool),
  / 2 <= epsilon ->
  (forall s, In s samples -> valid (fst s)) ->
  (forall s, In s samples -> robust s = true -> right_on_ball classify epsilon s) ->
  (length (filter robust samples) <= class_count (classify half) samples)%nat.
Proof.
  intros classify epsilon samples robust radius pixels right. apply filter_is_shorter. intros s present marked.
  unfold has_label. destruct (same_label (snd s) (classify half)) as [same|other]; [reflexivity|].
  exfalso. apply other. symmetry. apply (right s present marked).
  apply half_lies_in_every_ball; auto.
Qed.

Corollary robust_below_largest_class : forall classify epsilon samples (robust : sample -> bool),
  / 2 <= epsilon ->
  (forall s, In s samples -> valid (fst s)) ->
  (forall s, In s samples -> robust s = true -> right_on_ball classify epsilon s) ->
  (length (filter robust samples) <= largest_class samples)%nat.
Proof.
  intros classify epsilon samples robust radius pixels right.
  eapply Nat.le_trans; [eapply robust_below_class_count; eassumption|apply class_below_largest].
Qed.

(** As shares of the test set *)
Corollary robust_accuracy : forall classify epsilon samples (robust : sample -> bool),
  / 2 <= epsilon ->
  (forall s, In s samples -> valid (fst s)) ->
  (forall s, In s samples -> robust s = true -> right_on_ball classify epsilon s) ->
  samples <> [] ->
  INR (length (filter robust samples)) / INR (length samples) <= INR (largest_class samples) / INR (length samples).
Proof.
  intros classify epsilon samples robust radius pixels right filled.
  apply Rmult_le_compat_r.
  - apply Rlt_le, Rinv_0_lt_compat, lt_0_INR. destruct samples; [contradiction|simpl; lia].
  - apply le_INR. eapply robust_below_largest_class; eassumption.
Qed.

(** MNIST's test set: 10000 images, 1135 of them in the largest class *)
Corollary mnist_test_set : forall classify epsilon samples (robust : sample -> bool),
  / 2 <= epsilon ->
  (forall s, In s samples -> valid (fst s)) ->
  (forall s, In s samples -> robust s = true -> right_on_ball classify epsilon s) ->
  INR (length samples) = 10000 -> INR (largest_class samples) = 1135 ->
  INR (length (filter robust samples)) / INR (length samples) <= 1135 / 10000.
Proof.
  intros classify epsilon samples robust radius pixels right size largest.
  assert (samples <> []) as filled by (intro empty; rewrite empty in size; simpl in size; lra).
  pose proof (robust_accuracy classify epsilon samples robust radius pixels right filled) as share.
  rewrite size, largest in *. exact share.
Qed.

(** The constant classifier of a class is right on the balls of that class: the limit is reached, at every radius. *)
Theorem constant_classifier_attains : forall a epsilon samples, exists robust : sample -> bool,
  (forall s, In s samples -> robust s = true -> right_on_ball (fun _ => a) epsilon s) /\
  length (filter robust samples) = class_count a samples.
Proof.
  intros a epsilon samples. exists (has_label a). split; [|reflexivity]. intros s present labelled x within.
  unfold has_label in labelled. destruct (same_label (snd s) a); [auto|discriminate].
Qed.

(** ** The radius is sharp *)

Definition black : image := fun _ => 0.
Definition white : image := fun _ => 1.

Theorem balls_are_disjoint : forall (p : pixel) epsilon x,
  epsilon < / 2 -> ~ (in_ball black epsilon x /\ in_ball white epsilon x).
Proof.
  intros p epsilon x radius [[_ near_black] [_ near_white]].
  specialize (near_black p). specialize (near_white p). unfold black, white in *.
  apply between in near_black. apply between in near_white. lra.
Qed.

Definition threshold (p : pixel) (dark light : label) : image -> label :=
  fun x => if Rlt_dec (x p) (/ 2) then dark else light.

(** So on these two samples the robust accuracy is 1, twice the largest class share if the labels differ. *)
Theorem threshold_is_right_on_both : forall (p : pixel) dark light epsilon,
  epsilon < / 2 ->
  right_on_ball (threshold p dark light) epsilon (black, dark) /\
  right_on_ball (threshold p dark light) epsilon (white, light).
Proof.
  intros p dark light epsilon radius.
  split; intros x [_ near]; specialize (near p); apply between in near; unfold threshold, black, white in *;
    simpl in *; destruct (Rlt_dec (x p) (/ 2)); solve [reflexivity | lra].
Qed.

End Classifiers.

(** ** How far an attack can go *)

(** k steps of size a *)
Theorem steps_move_a_pixel : forall (x : nat -> image) a p,
  (forall i, Rabs (x (S i) p - x i p) <= a) -> forall k, Rabs (x k p - x O p) <= INR k * a.
Proof.
  intros x a p one_step k. induction k as [|k step].
  - replace (x O p - x O p) with 0 by ring. rewrite Rabs_R0. simpl. lra.
  - rewrite S_INR.
    replace (x (S k) p - x O p) with ((x (S k) p - x k p) + (x k p - x O p)) by ring.
    eapply Rle_trans; [apply Rabs_triang|]. specialize (one_step k). lra.
Qed.

(** Clipping to the interval of a pixel (of the ball, of [0, 1], or of both) makes a step no longer. *)
Definition clip (low high value : R) : R := Rmax low (Rmin high value).

Theorem clipped_step : forall low high before direction a,
  low <= before <= high -> 0 <= a -> Rabs direction <= 1 ->
  Rabs (clip low high (before + a * direction) - before) <= a.
Proof.
  intros low high before direction a inside size unit. unfold clip.
  assert (- a <= a * direction <= a) as moved by (apply between in unit; split; nra).
  apply Rabs_le. unfold Rmax, Rmin.
  destruct (Rle_dec high (before + a * direction)); [destruct (Rle_dec low high)|
    destruct (Rle_dec low (before + a * direction))]; lra.
Qed.

(** 40 · 0.01 = 0.4 < 0.5: started at the black image, such an attack never sees the image 1/2, which is in its ball. *)
Corollary forty_steps : forall (x : nat -> image) p,
  (forall i, Rabs (x (S i) p - x i p) <= / 100) -> Rabs (x 40%nat p - x O p) <= 4 / 10 /\ 4 / 10 < / 2.
Proof.
  intros x p one_step. split; [|lra].
  pose proof (steps_move_a_pixel x (/ 100) p one_step 40) as moved.
  replace (INR 40) with 40 in moved by (simpl; lra). lra.
Qed.

End Images.
